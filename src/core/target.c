#include "config.h"

#include "core/target.h"

#include "core/host.h"

/* ---- the request target ------------------------------------------------ */

/* The length of "http://" or "https://" in front of raw, or 0. */
static size_t
web_scheme(struct str raw)
{
	static const struct str schemes[] = {{"http://", 7}, {"https://", 8}};

	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		if (raw.n >= schemes[i].n && str_eq_fold(schemes[i],
		        (struct str){raw.p, schemes[i].n}))
			return schemes[i].n;
	return 0;
}

void
target_split(struct str raw, struct target *out)
{
	/* A path cannot begin like a scheme: nearly every target is one. */
	size_t scheme = raw.n > 0 && raw.p[0] == '/' ? 0 : web_scheme(raw);
	size_t end = 0;

	*out = (struct target){.path = raw, .absolute = scheme > 0};
	if (out->absolute) {
		raw = str_from(raw, scheme);
		while (end < raw.n && memchr("/?#\\", raw.p[end], 4) == NULL)
			end++;
		out->authority = (struct str){raw.p, end};
		out->path = str_from(raw, end);
	}
	const char *query = out->path.n > 0 ?
	    memchr(out->path.p, '?', out->path.n) : NULL;
	if (query != NULL)
		out->path.n = (size_t)(query - out->path.p);
	if ((out->absolute && out->path.n == 0) ||
	    (!out->absolute && str_eq(raw, STR("*"))))
		out->path = STR("/");
}

/* ---- hosts ------------------------------------------------------------- */

/* Whether s, behind the host, is nothing or a port. */
static bool
is_port(struct str s)
{
	if (s.n == 0)
		return true;
	if (s.p[0] != ':' || s.n > 6)
		return false;
	for (size_t i = 1; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

bool
host_is_malformed(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] < ' ' || host.p[i] > '~')
			return true;
	return false;
}

enum host_verdict
host_normalize(struct str host, char *out, size_t *len)
{
	bool address = host.n > 0 && host.p[0] == '[';
	const char *end = host.n > 0 ?
	    memchr(host.p, address ? ']' : ':', host.n) : NULL;
	size_t n = end == NULL ? host.n : (size_t)(end - host.p) + address;

	if (host.n == 0)
		return HOST_NONE;
	if (n > TARGET_HOST_MAX || !is_port(str_from(host, n)))
		return HOST_MALFORMED;
	for (size_t i = 0; i < n; i++)
		out[i] = (char)ascii_lower((unsigned char)host.p[i]);
	host = (struct str){out, n};
	if (address ? !host_is_ipv6(host) : !host_labels_valid(host))
		return HOST_MALFORMED;
	*len = n - (out[n - 1] == '.');
	return HOST_GOOD;
}
