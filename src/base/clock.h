/* clock.h - the time that has passed, and the time of day as text. */
#ifndef PREFLIGHTD_BASE_CLOCK_H
#define PREFLIGHTD_BASE_CLOCK_H

#include <stdint.h>

/* Microseconds that only go forward: fine enough to tell which of two
 * connections, of two threads, came first. */
int64_t clock_us(void);

enum { CLOCK_TEXT = 32 };

/* Writes seconds since 1970 as 2026-11-22T10:20:30Z, or "never" for 0, into a
 * buffer of CLOCK_TEXT bytes and returns it. */
const char *clock_text(char *out, int64_t t);

#endif
