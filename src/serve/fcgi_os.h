/* fcgi_os.h - the operating system that libfcgi sees: read() gives it bytes
 * from memory, write() goes to memory, close() does nothing; malloc() takes
 * from memory that is there already, and free() gives nothing back.
 *
 * The linker binds these calls to ours (-Wl,--wrap, see Makefile.am) for the
 * whole program; only between fcgi_os_enter and fcgi_os_leave, on that thread,
 * do they behave so. */
#ifndef PREFLIGHTD_SERVE_FCGI_OS_H
#define PREFLIGHTD_SERVE_FCGI_OS_H

#include <stdalign.h>
#include <stddef.h>

#include "base/str.h"

/* The only descriptor, and never a real one: what is not wrapped fails. */
enum { FCGI_OS_FD = 0x7fffffff };

/* Its three streams with their buffers, and a table of 30 parameters, take 18
 * KB.  It ends the process where there is no memory, so all of it is there
 * before it asks. */
enum { FCGI_OS_MEMORY = 24 * 1024 };

struct fcgi_os {
	struct str in;      /* what read() has still to give */
	unsigned char *out; /* what write() wrote; ENOBUFS where it is full */
	size_t nout, cap;
	size_t used; /* bytes of memory, for as long as this is there */
	alignas(max_align_t) unsigned char memory[FCGI_OS_MEMORY];
};

/* Empties out; the caller may have set it anew. */
void fcgi_os_enter(struct fcgi_os *os);
void fcgi_os_leave(void);

#endif
