/* log_syslog.h - lines to the system's log.  Unlike syslog(3) it tells what was
 * not taken, so that it can be counted. */
#ifndef PREFLIGHTD_LOG_SYSLOG_H
#define PREFLIGHTD_LOG_SYSLOG_H

#include <stddef.h>

#include "log.h"

/* Names the socket, NULL: /dev/log; path must last.  It is connected to when
 * there is a line for it. */
void log_syslog_open(const char *path);

/* Sends a line, given without its newline, after connecting anew where whoever
 * listened is gone.  Returns 0, or -1 with errno. */
int log_syslog_write(enum log_level level, const char *line, size_t n);

#endif
