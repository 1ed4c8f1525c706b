#include "config.h"

#include "base/number.h"

#include <stddef.h>
#include <string.h>

/* Reads n digits of a base up to 10. */
static int
digits_parse(const char *s, size_t n, unsigned base, unsigned long max,
    unsigned long *out)
{
	unsigned long v = 0, digit;

	if (n == 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		digit = (unsigned long)(unsigned char)s[i] - '0';
		if (digit >= base || digit > max || v > (max - digit) / base)
			return -1;
		v = v * base + digit;
	}
	*out = v;
	return 0;
}

int
number_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out)
{
	if (digits_parse(s, strlen(s), 10, max, out) == -1)
		return -1;
	return *out >= min ? 0 : -1;
}

int
seconds_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out)
{
	size_t n = strlen(s);
	unsigned long unit = 1;

	if (n > 0 && s[n - 1] == 'm')
		unit = 60;
	if (n > 0 && (unit > 1 || s[n - 1] == 's'))
		n--;
	if (digits_parse(s, n, 10, max / unit, out) == -1)
		return -1;
	*out *= unit;
	return *out >= min ? 0 : -1;
}

int
mode_parse(const char *s, unsigned *out)
{
	unsigned long v;

	if (digits_parse(s, strlen(s), 8, 0777, &v) == -1)
		return -1;
	*out = (unsigned)v;
	return 0;
}
