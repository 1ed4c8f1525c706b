/* sink.h - where lines of the log go: stderr, a file or syslog.  Written to
 * by the log's thread alone, which may wait there. */
#ifndef PREFLIGHTD_LOG_SINK_H
#define PREFLIGHTD_LOG_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "log/log.h"

/* Opens "stderr", "syslog", "syslog:SOCKET", or a file; where must last.  Where
 * uid is not (uid_t)-1 a file that is made is given to that user and group, and
 * symbolic links are not followed.  Returns 0, or -1 with errno. */
int log_sink_open(const char *where, uid_t uid, gid_t gid);

bool log_sink_is_syslog(void);

/* The path of the file that it is; NULL where it is none. */
const char *log_sink_path(void);

/* Writes a line of n bytes, the last a newline, and waits for room if need be.
 * Returns 0, or -1 with errno: then the line is lost. */
int log_sink_write(enum log_level level, const char *line, size_t n);

/* Opens a file anew under its name, for the log's thread to go on with; from
 * any thread.  Returns 0, or -1 with errno: then the old one is kept. */
int log_sink_reopen(void);

/* Goes on with the file that was opened anew, if one was: each line does, and
 * so should who has none to write. */
void log_sink_renew(void);

/* Whether log_sink_reopen would work now; else errno says why not. */
bool log_sink_can_reopen(void);

#endif
