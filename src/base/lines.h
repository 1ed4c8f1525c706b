/* lines.h - the lines of a file, of any number, read in large blocks: no memory
 * is taken for each. */
#ifndef PREFLIGHTD_BASE_LINES_H
#define PREFLIGHTD_BASE_LINES_H

#include <sys/stat.h>

#include "base/str.h"

enum { LINE_BYTES_MAX = 65536 };

struct lines {
	int fd;
	char *buf;
	size_t start, end; /* what was read and not yet returned */
	bool at_end;       /* of the file */
	unsigned number;   /* of the line returned last, from 1 */
	struct stat stat;  /* when it was opened */
	const char *why;   /* LINES_ERROR: a text, as for lines_open */
};

/* Opens a regular file.  Returns 0, or -1 with the reason in *why, a text that
 * lasts until the next call of strerror, and in errno, 0 for another kind of
 * file.  Never waits, whatever path names. */
int lines_open(struct lines *l, const char *path, const char **why);

/* The same, but of pipes too, and of standard input where path is "-"; it waits
 * for what comes. */
int lines_open_stream(struct lines *l, const char *path, const char **why);

enum lines_next {
	LINES_LINE,
	LINES_LONG, /* a line over LINE_BYTES_MAX bytes, passed over */
	LINES_END,
	LINES_ERROR, /* see why */
};

/* Takes the next line, without its end (LF or CRLF) and without a byte order
 * mark before the first; it lasts until the next call. */
enum lines_next lines_next(struct lines *l, struct str *line);

/* Whether the file was written to since lines_open: then what was read may be
 * half of one version and half of another. */
bool lines_changed(const struct lines *l);

/* Harmless after lines_open failed. */
void lines_close(struct lines *l);

#endif
