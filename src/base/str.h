/* str.h - text as pointer plus length; it may hold any byte, NUL too, and is
 * never terminated. */
#ifndef PREFLIGHTD_BASE_STR_H
#define PREFLIGHTD_BASE_STR_H

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

/* By bytes: less than, equal to or more than 0. */
static inline int
str_compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c = n > 0 ? memcmp(a.p, b.p, n) : 0;

	return c != 0 ? c : (a.n > b.n) - (a.n < b.n);
}

/* The same for qsort. */
static inline int
str_compare_items(const void *left, const void *right)
{
	const struct str *a = left, *b = right;

	return str_compare(*a, *b);
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

/* s without the bytes of the terminated set at both ends. */
static inline struct str
str_trim_of(struct str s, const char *set)
{
	const size_t n = strlen(set);

	while (s.n > 0 && memchr(set, s.p[0], n) != NULL)
		s = str_from(s, 1);
	while (s.n > 0 && memchr(set, s.p[s.n - 1], n) != NULL)
		s.n--;
	return s;
}

/* s without spaces and tabs at both ends; str_trim_lines: line ends too. */
static inline struct str
str_trim(struct str s)
{
	return str_trim_of(s, " \t");
}

static inline struct str
str_trim_lines(struct str s)
{
	return str_trim_of(s, " \t\r\n");
}

/* How many bytes stand before the first NUL or byte of set; s.n: all. */
static inline size_t
str_find_any(struct str s, const char *set)
{
	size_t i = 0;

	while (i < s.n && strchr(set, s.p[i]) == NULL)
		i++;
	return i;
}

/* The value of a hexadecimal digit, or -1. */
static inline int
hex_digit(unsigned char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The digit for the lowest four bits of v. */
static inline char
hex_char(unsigned v)
{
	return "0123456789abcdef"[v & 15];
}

static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Control characters: 0x00 to 0x1f and 0x7f. */
static inline bool
is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

#endif
