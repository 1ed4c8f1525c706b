/* watch.h - tells when one of a group of files changes, whatever way: written
 * to, replaced, removed and back, or behind a symbolic link or a folder of its
 * path that becomes another one.
 *
 * It looks at what stands at each path when it is asked, since what would tell
 * by itself (inotify) is silent on network file systems and overlays. */
#ifndef PREFLIGHTD_DAEMON_WATCH_H
#define PREFLIGHTD_DAEMON_WATCH_H

#include <stddef.h>

struct watch;

/* Returns NULL without memory. */
struct watch *watch_new(void);
void watch_free(struct watch *w);

/* Forgets all files; those that are read are then named anew. */
void watch_begin(struct watch *w);

/* Names a file before it is opened, so that no change after it was read is
 * missed. */
void watch_path(struct watch *w, const char *path);

/* How many files have changed since they were named or looked at last. */
size_t watch_changed(struct watch *w);

#endif
