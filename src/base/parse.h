/* parse.h - numbers, ports and times as people write them, read strictly; and
 * how near a misspelled word is to a known one. */
#ifndef PREFLIGHTD_BASE_PARSE_H
#define PREFLIGHTD_BASE_PARSE_H

#include "base/str.h"

/* Reads the decimal digits that s begins with; a number over ULONG_MAX becomes
 * that.  Returns how many digits there are. */
size_t digits_parse(struct str s, unsigned long *out);

/* Decimal digits and nothing else, from min to max.  Returns 0 or -1. */
int number_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out);

/* A port, 1 to 65535; leading zeros are allowed.  Returns it, or -1. */
int port_parse(struct str s);

/* Splits HOST:PORT at the last colon, unless that is within brackets.  Returns
 * false without one: then all is host, and port is "". */
bool host_port_split(struct str s, struct str *host, struct str *port);

/* Seconds: a number, alone or with s or m behind it.  Returns 0 or -1. */
int seconds_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out);

/* A file mode in octal, up to 0777.  Returns 0 or -1. */
int mode_parse(const char *s, unsigned *out);

enum { SPELLING_MAX = 128 }; /* bytes of a word */

/* How many bytes must be changed, added or removed to turn a into b
 * (Levenshtein distance), or max + 1 where it is more or a word has over
 * SPELLING_MAX bytes. */
size_t spelling_distance(struct str a, struct str b, size_t max);

#endif
