/* watch.h - tells when one of a group of files changes, whatever way: written
 * to, replaced, removed and back, or behind a symbolic link or a folder of its
 * path that becomes another one.
 *
 * Every step of a path is watched: each name in the folder where it is looked
 * up, and the file at the end itself.  A path is named before its file is
 * opened, so that no change after it was read is missed. */
#ifndef PREFLIGHTD_WATCH_H
#define PREFLIGHTD_WATCH_H

#include <stdbool.h>

struct watch;

/* Returns NULL with errno. */
struct watch *watch_new(void);
void watch_free(struct watch *w);

/* Is readable where watch_take may have something to say. */
int watch_fd(const struct watch *w);

/* The files are named between these two, each time they are read anew; those
 * named before, and not again, are no longer watched. */
void watch_begin(struct watch *w);
void watch_path(struct watch *w, const char *path);
void watch_end(struct watch *w);

enum watch_news {
	WATCH_NOTHING,
	WATCH_WRITING, /* somebody is still writing to a file */
	WATCH_CHANGED,
};

/* Takes all there is to say; never waits. */
enum watch_news watch_take(struct watch *w);

/* The first folder or file since watch_begin that can't be watched, with errno
 * in *error; NULL where all are. */
const char *watch_gap(const struct watch *w, int *error);

#endif
