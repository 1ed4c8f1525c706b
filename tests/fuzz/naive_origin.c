/* naive_origin.c - tokens, lists and origins, one comparison after another. */
#include "config.h"

#include "naive.h"

bool
naive_token(struct str s)
{
	static const char others[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];
		if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') &&
		    !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr(others, c) == NULL))
			return false;
	}
	return s.n > 0;
}

bool
naive_is_clean(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

bool
naive_element(struct str list, size_t *at, struct str *element)
{
	while (*at < list.n) {
		size_t end = *at;

		while (end < list.n && list.p[end] != ',')
			end++;
		*element = str_trim((struct str){list.p + *at, end - *at});
		*at = end + 1;
		if (element->n > 0)
			return true;
	}
	return false;
}

/* ---- origins ----------------------------------------------------------- */

static bool
label_good(struct str s)
{
	if (s.n == 0 || s.n > 63 || s.p[0] == '-' || s.p[s.n - 1] == '-')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!(s.p[i] >= 'a' && s.p[i] <= 'z') &&
		    !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-' &&
		    s.p[i] != '_')
			return false;
	return true;
}

static bool
labels_good(struct str s)
{
	size_t start = 0;

	for (size_t i = 0; i <= s.n; i++)
		if (i == s.n || s.p[i] == '.') {
			if (!label_good((struct str){s.p + start, i - start}))
				return false;
			start = i + 1;
		}
	return true;
}

/* Takes ":port" off the end of *host; returns what stood behind the colon, and
 * whether there was one. */
static bool
port_off(struct str *host, struct str *port)
{
	for (size_t i = host->n; i > 0 && host->p[i - 1] != ']'; i--)
		if (host->p[i - 1] == ':') {
			*port = str_from(*host, i);
			host->n = i - 1;
			return true;
		}
	return false;
}

/* A port as browsers write one: it is not the default one of the scheme. */
static bool
port_good(struct str port, struct str scheme)
{
	static const struct {
		const char *scheme;
		unsigned long port;
	} usual[] = {{"http", 80}, {"https", 443}, {"ftp", 21}};
	unsigned long number = 0;

	if (port.n == 0 || port.n > 5 || port.p[0] == '0')
		return false;
	for (size_t i = 0; i < port.n; i++) {
		if (port.p[i] < '0' || port.p[i] > '9')
			return false;
		number = number * 10 + (unsigned long)(port.p[i] - '0');
	}
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (str_eq(scheme, str_of(usual[i].scheme)) &&
		    number == usual[i].port)
			return false;
	return number <= 65535;
}

/* Every label counts, those that the pattern names too. */
static bool
host_allows(struct str entry, struct str host)
{
	struct str labels = host;

	if (labels.n > 0 && labels.p[labels.n - 1] == '.')
		labels.n--;
	if (!str_starts(entry, STR("*.")) && str_starts(host, STR("[")))
		return str_eq(entry, host);
	if (labels.n > 253 || !labels_good(labels))
		return false;
	if (!str_starts(entry, STR("*.")))
		return str_eq(entry, host);
	entry = str_from(entry, 1);
	return host.n > entry.n && str_ends(host, entry);
}

bool
naive_entry_allows(struct str entry, struct str origin)
{
	struct str scheme = entry, wanted = STR(""), got = STR("");
	bool wants, has;

	if (str_eq(entry, STR("*")))
		return true;
	if (memchr(entry.p, '*', entry.n) == NULL)
		return str_eq(entry, origin);
	scheme.n = 0;
	while (!str_starts(str_from(entry, scheme.n), STR("://")))
		scheme.n++;
	if (!str_starts(origin, (struct str){entry.p, scheme.n + 3}))
		return false;
	entry = str_from(entry, scheme.n + 3);
	origin = str_from(origin, scheme.n + 3);
	wants = port_off(&entry, &wanted);
	has = port_off(&origin, &got);
	if (has && !port_good(got, scheme))
		return false;
	if (wants ? !str_eq(wanted, STR("*")) && !(has && str_eq(wanted, got))
	    : has)
		return false;
	return host_allows(entry, origin);
}
