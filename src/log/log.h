/* log.h - one event a line, in logfmt: time, level, event, then key=value.
 * Lines are made by any thread and written by one of the log's own, so a full
 * pipe or a slow disk stops nobody; what does not fit in between is counted. */
#ifndef PREFLIGHTD_LOG_LOG_H
#define PREFLIGHTD_LOG_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/str.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG };

/* The level of that name, or -1. */
int log_level_parse(const char *name);

enum {
	LOG_LINES_A_SECOND = 20, /* of one event and reason */
	LOG_LINE_MAX = 2048, /* bytes; a longer line is cut and says so */
};

/* How many lines of one event and reason are made; the others are counted. */
enum log_limit {
	LOG_UNLIMITED,  /* all of them */
	LOG_PER_SECOND, /* LOG_LINES_A_SECOND */
	LOG_PER_MINUTE, /* one */
};

/* Opens the log; see log_sink_open.  Lines wait until log_start.  Returns 0, or
 * -1 with errno. */
int log_open(const char *where, enum log_level level, uid_t uid, gid_t gid);

/* Starts the log's thread, with the credentials of the caller.  Returns 0, or
 * -1 with errno. */
int log_start(void);

/* Opens a log file anew under its name; the log's thread goes on with it, and
 * closes the old one, before its next line or soon.  Returns 0, or -1 with
 * errno: then the old one is kept. */
int log_reopen(void);

/* How many lines were lost since the start, because the log was too slow or
 * failed. */
unsigned long log_lost(void);

/* Writes what is left, for two seconds at most, and ends the log's thread. */
void log_close(void);

/* A line in the making. */
struct log_line {
	struct buf buf;
	enum log_level level;
	char text[LOG_LINE_MAX + 16]; /* with room to say that it was cut */
};

/* Begins a line.  event is a word; reason, a word too or NULL, is shown as
 * reason=WORD; both are literals.  Returns false where the line is not to be
 * made. */
bool log_begin(struct log_line *l, enum log_level level, const char *event,
    const char *reason, enum log_limit limit);

/* A line without values. */
void log_event(enum log_level level, const char *event, const char *reason,
    enum log_limit limit);

/* A value of any bytes: quoted and escaped, cut after 512 of them. */
void log_str(struct log_line *l, const char *key, struct str value);
/* The same for text that went through buf_escaped already. */
void log_text(struct log_line *l, const char *key, struct str value);
void log_num(struct log_line *l, const char *key, unsigned long value);

/* Hands the line over. */
void log_end(struct log_line *l);

#endif
