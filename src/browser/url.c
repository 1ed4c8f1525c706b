#include "config.h"

#include "browser/url.h"

#include "base/buf.h"
#include "base/parse.h"
#include "core/host.h"

enum { AUTHORITY_MAX = 512 };

/* ---- what is wrong with it --------------------------------------------- */

struct parse {
	struct str text;
	struct diag *d;
	struct place at;
};

static int
error(const struct parse *p, const char *id, const char *hint,
    const char *what)
{
	struct shown shown;

	diag_add(p->d, DIAG_ERROR, p->at, id, hint, "URL '%s' %s",
	    buf_shown(&shown, p->text), what);
	return -1;
}

/* ---- the origin -------------------------------------------------------- */

/* Takes "http://" or "https://" off the front of *rest and adds it. */
static int
add_scheme(const struct parse *p, struct str *rest, struct buf *out)
{
	static const struct str schemes[] = {{"https://", 8}, {"http://", 7}};

	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		struct str front = {rest->p, schemes[i].n};

		if (rest->n < schemes[i].n || !str_eq_fold(front, schemes[i]))
			continue;
		buf_add(out, schemes[i]);
		*rest = str_from(*rest, schemes[i].n);
		return 0;
	}
	return error(p, "url-scheme",
	    "write it whole, as in https://api.example.com/v1/items",
	    "does not begin with http:// or https://");
}

static int
add_host(const struct parse *p, struct str host, struct buf *out)
{
	struct host_check check;
	size_t start = out->n;

	if (host.n > 0 && host_canonical(host, true, out)) {
		host_judge(str_from(buf_str(out), start), true, &check);
		if (check.fault == HOST_OK)
			return 0;
	}
	return error(p, "url-host", "write a host, as in api.example.com, "
	    "127.0.0.1 or [::1]", "has no valid host");
}

static int
add_authority(const struct parse *p, struct str authority, int usual_port,
    struct buf *out)
{
	struct str host, port;
	int number;

	if (memchr(authority.p, '@', authority.n) != NULL)
		return error(p, "url-userinfo", "remove what is before "
		    "the '@', and send an Authorization header",
		    "has a user name, which fetch() refuses");
	(void)host_port_split(authority, &host, &port);
	if (add_host(p, host, out) != 0)
		return -1;
	number = port.n > 0 ? port_parse(port) : usual_port;
	if (number < 0)
		return error(p, "url-port", "a port is 1 to 65535",
		    "has no valid port");
	if (number != usual_port) {
		buf_char(out, ':');
		buf_uint(out, (unsigned long)number);
	}
	return 0;
}

/* ---- path and query ---------------------------------------------------- */

/* Adds c, percent-encoded where it is among special or no printable ASCII
 * (URL Standard, percent-encode sets). */
static void
add_encoded(struct buf *out, char c, const char *special)
{
	unsigned char byte = (unsigned char)c;

	if (byte > 0x20 && byte < 0x7f && strchr(special, c) == NULL) {
		buf_char(out, c);
		return;
	}
	buf_char(out, '%');
	buf_char(out, "0123456789ABCDEF"[byte >> 4]);
	buf_char(out, "0123456789ABCDEF"[byte & 15]);
}

/* The dots in a segment that is nothing else, "%2e" counted as one; 0 for any
 * other segment. */
static size_t
count_dots(struct str segment)
{
	size_t dots = 0;

	while (segment.n > 0) {
		size_t n = segment.p[0] == '.' ? 1 : 3;

		if (n == 3 && (segment.n < 3 ||
		    !str_eq_fold((struct str){segment.p, 3}, STR("%2e"))))
			return 0;
		segment = str_from(segment, n);
		dots++;
	}
	return dots;
}

/* Adds the path with its dot segments resolved, as a browser does before it
 * sends it. */
static void
add_path(struct buf *out, struct str path)
{
	size_t start = out->n;

	while (path.n > 0) {
		struct str segment;
		size_t n = 1, dots;

		while (n < path.n && path.p[n] != '/' && path.p[n] != '\\')
			n++;
		segment = (struct str){path.p + 1, n - 1};
		path = str_from(path, n);
		dots = count_dots(segment);
		while (dots == 2 && out->n > start && out->p[--out->n] != '/')
			; /* the last segment, with the slash before it */
		if (dots != 1 && dots != 2) {
			buf_char(out, '/');
			for (size_t i = 0; i < segment.n; i++)
				add_encoded(out, segment.p[i], "\"#<>?^`{}");
		} else if (path.n == 0) {
			buf_char(out, '/');
		}
	}
	if (out->n == start)
		buf_char(out, '/');
}

/* ---- the whole --------------------------------------------------------- */

int
url_parse(struct str text, struct url *out, struct arena *a, struct diag *d,
    struct place at)
{
	const struct parse p = {text, d, at};
	struct str rest = text, authority, path, port;
	size_t cap = 3 * text.n + AUTHORITY_MAX, scheme, origin, path_end;
	struct buf b;

	for (size_t i = 0; i < text.n; i++)
		if (is_control((unsigned char)text.p[i]))
			return error(&p, "url-control", "remove it",
			    "has a control character");
	b = (struct buf){arena_alloc(a, cap), 0, cap, false};
	if (b.p == NULL)
		return error(&p, "url-memory", NULL, "needs more memory");
	if (add_scheme(&p, &rest, &b) != 0)
		return -1;
	scheme = b.n;
	authority = (struct str){rest.p, str_find_any(rest, "/?#\\")};
	rest = str_from(rest, authority.n);
	if (add_authority(&p, authority, scheme == 8 ? 443 : 80, &b) != 0)
		return -1;
	origin = b.n;
	rest.n = str_find_any(rest, "#");
	path = (struct str){rest.p, str_find_any(rest, "?")};
	add_path(&b, path);
	path_end = b.n;
	for (size_t i = path.n; i < rest.n; i++)
		add_encoded(&b, rest.p[i], "\"#'<>");
	text = buf_str(&b);
	*out = (struct url){.text = text, .scheme = {text.p, scheme - 3},
	    .origin = {text.p, origin},
	    .authority = {text.p + scheme, origin - scheme},
	    .target = str_from(text, origin),
	    .path = {text.p + origin, path_end - origin}};
	host_port_split(out->authority, &out->host, &port);
	return 0;
}
