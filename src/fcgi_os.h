/* fcgi_os.h - the operating system that libfcgi sees: read() gives it one
 * request from memory, write() goes to memory, close() does nothing, and what
 * it allocates comes from a region that is empty again after each request.
 *
 * The linker binds these calls to ours (-Wl,--wrap, see Makefile.am) for the
 * whole program; only between fcgi_os_enter and fcgi_os_leave, on that thread,
 * do they behave so. */
#ifndef PREFLIGHTD_FCGI_OS_H
#define PREFLIGHTD_FCGI_OS_H

#include <stdbool.h>
#include <stddef.h>

#include "str.h"

enum {
	FCGI_OS_FD = 0x7fffffff, /* the only descriptor, and never a real one:
	                            what is not wrapped fails on it */
	FCGI_OS_REGION = 64 * 1024,
};

struct fcgi_os {
	struct str in;      /* what read() has still to give */
	unsigned char *out; /* what write() wrote */
	size_t nout, cap;
	bool failed;        /* it did not fit */
	size_t used, live;  /* of the region: bytes, blocks */
	_Alignas(max_align_t) unsigned char region[FCGI_OS_REGION];
};

void fcgi_os_enter(struct fcgi_os *os);
void fcgi_os_leave(void);

#endif
