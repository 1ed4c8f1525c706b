/* fcgi_os.h - the operating system that libfcgi sees: read() gives it bytes from
 * memory, write() goes to memory, close() does nothing.
 *
 * The linker binds these calls to ours (-Wl,--wrap, see Makefile.am) for the
 * whole program; only between fcgi_os_enter and fcgi_os_leave, on that thread,
 * do they behave so. */
#ifndef PREFLIGHTD_FCGI_OS_H
#define PREFLIGHTD_FCGI_OS_H

#include <stddef.h>

#include "str.h"

/* The only descriptor, and never a real one: what is not wrapped fails on it. */
enum { FCGI_OS_FD = 0x7fffffff };

struct fcgi_os {
	struct str in;      /* what read() has still to give */
	unsigned char *out; /* what write() wrote; ENOBUFS where it is full */
	size_t nout, cap;
};

/* Empties out; the caller may have set it anew. */
void fcgi_os_enter(struct fcgi_os *os);
void fcgi_os_leave(void);

#endif
