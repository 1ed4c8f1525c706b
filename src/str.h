/* str.h - text as pointer plus length; it may hold any byte, NUL too, and is
 * never terminated. */
#ifndef PREFLIGHTD_STR_H
#define PREFLIGHTD_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
	const char *p;
	size_t n;
};

/* A string literal, or a terminated string, as a str; for printf, "%.*s". */
#define STR(literal) ((struct str){("" literal), sizeof(literal) - 1})
#define STR_ARG(s) ((int)(s).n), ((s).p)

static inline struct str
str_of(const char *s)
{
	return (struct str){s, strlen(s)};
}

static inline bool
str_eq(struct str a, struct str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

/* Only A-Z are folded, in any locale. */
static inline unsigned char
ascii_lower(unsigned char c)
{
	return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

static inline bool
str_eq_fold(struct str a, struct str b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++)
		if (ascii_lower((unsigned char)a.p[i]) !=
		    ascii_lower((unsigned char)b.p[i]))
			return false;
	return true;
}

static inline bool
str_starts(struct str s, struct str prefix)
{
	return s.n >= prefix.n && memcmp(s.p, prefix.p, prefix.n) == 0;
}

static inline bool
str_ends(struct str s, struct str suffix)
{
	return s.n >= suffix.n &&
	    memcmp(s.p + s.n - suffix.n, suffix.p, suffix.n) == 0;
}

/* s without its first n bytes; n is at most s.n. */
static inline struct str
str_from(struct str s, size_t n)
{
	return (struct str){s.p + n, s.n - n};
}

/* Control characters: 0x00 to 0x1f and 0x7f. */
static inline bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

#endif
