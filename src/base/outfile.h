/* outfile.h - a file that is written whole, or not at all. */
#ifndef PREFLIGHTD_BASE_OUTFILE_H
#define PREFLIGHTD_BASE_OUTFILE_H

#include <stddef.h>

/* Gives the file these bytes: a new file is written beside it and renamed to
 * it, so that a reader sees the old one or the new one.  A symbolic link stays,
 * and what it points to is replaced; mode, and where that is allowed owner and
 * group, stay too.  Pipes, devices and standard output by another name are
 * written to as they are.  Returns 0, or -1 with errno and the file as it
 * was. */
int file_write_whole(const char *path, const char *bytes, size_t n);

#endif
