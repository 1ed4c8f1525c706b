#include "config.h"

#include "base/parse.h"

#include <limits.h>

size_t
digits_parse(struct str s, unsigned long *out)
{
	size_t n = 0;

	for (*out = 0; n < s.n && s.p[n] >= '0' && s.p[n] <= '9'; n++) {
		unsigned long digit = (unsigned long)(s.p[n] - '0');

		*out = *out > (ULONG_MAX - digit) / 10 ? ULONG_MAX :
		    *out * 10 + digit;
	}
	return n;
}

/* ULONG_MAX is what digits_parse makes of larger numbers. */
static int
whole_parse(struct str s, unsigned long min, unsigned long max,
    unsigned long *out)
{
	size_t n = digits_parse(s, out);

	return n > 0 && n == s.n && *out >= min && *out <= max &&
	    *out < ULONG_MAX ? 0 : -1;
}

int
number_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out)
{
	return whole_parse(str_of(s), min, max, out);
}

int
port_parse(struct str s)
{
	unsigned long port;

	return whole_parse(s, 1, 65535, &port) == 0 ? (int)port : -1;
}

bool
host_port_split(struct str s, struct str *host, struct str *port)
{
	size_t n = s.n;

	while (n > 0 && s.p[n - 1] != ':' && s.p[n - 1] != ']')
		n--;
	*host = s;
	*port = STR("");
	if (n == 0 || s.p[n - 1] != ':')
		return false;
	host->n = n - 1;
	*port = str_from(s, n);
	return true;
}

int
seconds_parse(const char *s, unsigned long min, unsigned long max,
    unsigned long *out)
{
	struct str number = str_of(s);
	unsigned long unit = str_ends(number, STR("m")) ? 60 : 1;

	if (unit > 1 || str_ends(number, STR("s")))
		number.n--;
	if (whole_parse(number, 0, max / unit, out) == -1)
		return -1;
	*out *= unit;
	return *out >= min ? 0 : -1;
}

int
mode_parse(const char *s, unsigned *out)
{
	if (*s == '\0')
		return -1;
	for (*out = 0; *s != '\0'; s++) {
		if (*s < '0' || *s > '7')
			return -1;
		*out = *out * 8 + (unsigned)(*s - '0');
		if (*out > 0777)
			return -1;
	}
	return 0;
}

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
spelling_distance(struct str a, struct str b, size_t max)
{
	size_t row[SPELLING_MAX + 1], corner, best, cost;

	if (a.n > SPELLING_MAX || b.n > SPELLING_MAX ||
	    (a.n > b.n ? a.n - b.n : b.n - a.n) > max)
		return max + 1;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		corner = row[0];
		best = row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			cost = corner + (a.p[i - 1] != b.p[j - 1]);
			corner = row[j];
			row[j] = least(cost, least(row[j], row[j - 1]) + 1);
			best = least(best, row[j]);
		}
		if (best > max)
			return max + 1;
	}
	return least(row[b.n], max + 1);
}
