/* number.h - numbers on the command line, read strictly. */
#ifndef PREFLIGHTD_BASE_NUMBER_H
#define PREFLIGHTD_BASE_NUMBER_H

/* Decimal digits and nothing else, from min to max.  Returns 0 or -1. */
int number_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out);

/* Seconds: a number, alone or with s or m behind it.  Returns 0 or -1. */
int seconds_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out);

/* A file mode in octal, up to 0777.  Returns 0 or -1. */
int mode_parse(const char *s, unsigned *out);

#endif
