/* fail.h - why `serve` cannot start, said on stderr. */
#ifndef PREFLIGHTD_FAIL_H
#define PREFLIGHTD_FAIL_H

/* Prints a message, and below it how to mend it.  Returns -1. */
int fail(const char *hint, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
