/* error.h - why a command cannot do what it was asked, said on stderr: a line
 * with what is wrong, and below it how to mend it. */
#ifndef PREFLIGHTD_BASE_ERROR_H
#define PREFLIGHTD_BASE_ERROR_H

#include "base/str.h"

/* `serve` cannot start.  Returns -1. */
int fail(const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* An argument of the command is invalid; its text, or NO_TEXT, is shown after
 * what, escaped.  Returns -1. */
#define NO_TEXT ((struct str){NULL, 0})
int fail_usage(const char *command, const char *what, struct str text,
    const char *hint);

#endif
