#include "config.h"

#include "core/origin.h"

#include "base/parse.h"

enum { SCHEME_MAX = 64, ENTRY_SHOWN = 100, FIX_MAX = 512 };

/* ---- schemes ----------------------------------------------------------- */

int
origin_default_port(struct str scheme)
{
	if (str_eq(scheme, STR("https")) || str_eq(scheme, STR("wss")))
		return 443;
	if (str_eq(scheme, STR("http")) || str_eq(scheme, STR("ws")))
		return 80;
	return str_eq(scheme, STR("ftp")) ? 21 : 0;
}

/* URL Standard, "special scheme": hosts are domains or IP addresses. */
static bool
is_special(struct str scheme)
{
	return origin_default_port(scheme) != 0;
}

/* Schemes whose documents have an opaque origin, or that no document has. */
static bool
is_unsendable(struct str scheme)
{
	static const char *const names[] = {"about", "blob", "data",
	    "filesystem", "javascript", "mailto", "view-source", "ws", "wss"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (str_eq(scheme, str_of(names[i])))
			return true;
	return false;
}

static bool
is_scheme_byte(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
	    c == '-' || c == '.';
}

/* RFC 3986, 3.1, in lower case. */
static bool
is_scheme(struct str s)
{
	if (s.n == 0 || s.n > SCHEME_MAX || s.p[0] < 'a' || s.p[0] > 'z')
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (!is_scheme_byte((unsigned char)s.p[i]))
			return false;
	return true;
}

/* ---- taking a text apart, whatever is wrong with it -------------------- */

struct pieces {
	struct str scheme, userinfo, host, port, path;
	bool has_userinfo, has_port, star;
};

/* Splits userinfo, host and port: at the last '@', and at the last colon behind
 * it and behind any brackets. */
static void
split_authority(struct str s, struct pieces *out)
{
	size_t host = s.n;

	while (host > 0 && s.p[host - 1] != '@')
		host--;
	if (host > 0) {
		out->has_userinfo = true;
		out->userinfo = (struct str){s.p, host - 1};
	}
	out->has_port = host_port_split(str_from(s, host), &out->host,
	    &out->port);
}

/* Whether the authority ends at c. */
static bool
ends_authority(char c)
{
	return c == '/' || c == '?' || c == '#' || c == '\\';
}

/* Returns false where there is no "://". */
static bool
split(struct str text, struct pieces *out)
{
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
	struct str rest;
	size_t n = 0;

	*out = (struct pieces){.star = false};
	if (colon == NULL)
		return false;
	out->scheme = (struct str){text.p, (size_t)(colon - text.p)};
	rest = str_from(text, out->scheme.n);
	if (!str_starts(rest, STR("://")))
		return false;
	rest = str_from(rest, 3);
	while (n < rest.n && !ends_authority(rest.p[n]))
		n++;
	out->path = str_from(rest, n);
	split_authority((struct str){rest.p, n}, out);
	if (str_starts(out->host, STR("*."))) {
		out->star = true;
		out->host = str_from(out->host, 2);
	}
	return true;
}

/* A port without leading zeros, or -1. */
static int
port_number(struct str port)
{
	return port.n > 0 && port.p[0] != '0' ? port_parse(port) : -1;
}

/* Adds the canonical form of the pieces; path and userinfo are left out. */
static bool
canonical(const struct pieces *p, struct buf *out)
{
	size_t start = out->n;

	for (size_t i = 0; i < p->scheme.n; i++)
		buf_char(out, (char)ascii_lower((unsigned char)p->scheme.p[i]));
	struct str scheme = str_from(buf_str(out), start);
	if (!is_scheme(scheme))
		return false;
	bool special = is_special(scheme);
	int usual = origin_default_port(scheme);
	buf_add(out, STR("://"));
	if (p->star)
		buf_add(out, STR("*."));
	if (p->host.n == 0 || !host_canonical(p->host, special, out))
		return false;
	if (str_eq(p->port, STR("*"))) {
		buf_add(out, STR(":*"));
	} else if (p->port.n > 0) {
		int number = port_parse(p->port);
		if (number < 0)
			return false;
		if (number != usual) {
			buf_char(out, ':');
			buf_uint(out, (unsigned long)number);
		}
	}
	return !out->full;
}

bool
origin_canonical(struct str text, struct buf *out)
{
	struct pieces p;

	return split(text, &p) && canonical(&p, out);
}

/* ---- findings ---------------------------------------------------------- */

struct parse {
	struct str text;
	struct diag *d;
	struct place at;
	const struct pieces *pieces;     /* NULL: it has none */
	bool failed, prepared;
	char shown[4 * ENTRY_SHOWN + 8]; /* the entry, escaped */
	char fix[FIX_MAX];               /* "write ORIGIN", or "" */
};

/* Prepares what the messages say, once there is something to say: nearly every
 * entry is good. */
static void
prepare(struct parse *p)
{
	struct buf shown = BUF(p->shown), fix = BUF(p->fix);
	struct host_check check = {.fault = HOST_OK};
	char space[FIX_MAX];
	struct buf origin = BUF(space);
	struct pieces again;

	if (p->prepared)
		return;
	p->prepared = true;
	buf_escaped(&shown, p->text, ENTRY_SHOWN);
	buf_cstr(&shown);
	p->fix[0] = '\0';
	if (p->pieces == NULL || !canonical(p->pieces, &origin) ||
	    !split(buf_str(&origin), &again))
		return;
	(again.star ? host_judge_below : host_judge)(again.host,
	    is_special(again.scheme), &check);
	if (check.fault != HOST_OK || is_unsendable(again.scheme) ||
	    (again.star && check.kind != HOST_NAME))
		return;
	buf_add(&fix, STR("write "));
	buf_add(&fix, buf_str(&origin));
	buf_cstr(&fix);
}

static struct place
place_of(const struct parse *p, const char *where)
{
	struct place at = p->at;

	at.col += (unsigned)(where - p->text.p);
	return at;
}

static void
error(struct parse *p, const char *where, const char *id, const char *hint,
    const char *what)
{
	prepare(p);
	p->failed = true;
	diag_add(p->d, DIAG_ERROR, place_of(p, where), id,
	    p->fix[0] != '\0' ? p->fix : hint, "origin '%s' %s", p->shown,
	    what);
}

static void
warn(struct parse *p, const char *where, const char *id, const char *hint,
    const char *what)
{
	prepare(p);
	diag_add(p->d, DIAG_WARNING, place_of(p, where), id, hint,
	    "origin '%s' %s", p->shown, what);
}

static const char asterisk_hint[] =
    "a '*' may stand alone, as '*.' before a domain, or for the whole port: "
    "https://*.example.com, http://localhost:*";

static void
check_scheme(struct parse *p, const struct pieces *s)
{
	struct str scheme = s->scheme;
	char lower[SCHEME_MAX];
	struct buf b = BUF(lower);

	for (size_t i = 0; i < scheme.n; i++)
		buf_char(&b, (char)ascii_lower((unsigned char)scheme.p[i]));
	if (memchr(scheme.p, '*', scheme.n) != NULL)
		error(p, scheme.p, "origin-asterisk", asterisk_hint,
		    "has a '*' in its scheme");
	else if (b.full || !is_scheme(buf_str(&b)))
		error(p, scheme.p, "origin-scheme",
		    "a scheme is a letter and then letters, digits, '+', '-', "
		    "'.'",
		    "has no valid scheme");
	else if (str_eq(buf_str(&b), STR("file")))
		error(p, scheme.p, "origin-file",
		    "pages from files send 'null'; serve them over "
		    "http://localhost instead",
		    "has scheme file, which browsers never send");
	else if (is_unsendable(buf_str(&b)))
		error(p, scheme.p, "origin-scheme-unsendable",
		    "write the http or https origin of the page",
		    "has a scheme that is never a page's");
	else if (!str_eq(buf_str(&b), scheme))
		error(p, scheme.p, "origin-upper-case",
		    "write it in lower case",
		    "has upper case in its scheme, which browsers never send");
}

static void
check_host(struct parse *p, const struct pieces *s, struct host_check *c)
{
	static const struct {
		const char *id, *text, *hint;
	} faults[] = {
		[HOST_OK] = {"", "", ""},
		[HOST_EMPTY] = {"origin-host-missing", "has no host",
		    "write scheme://host"},
		[HOST_NON_ASCII] = {"origin-non-ascii",
		    "has a non-ASCII host, which browsers send as punycode",
		    "write the host in punycode (xn--...)"},
		[HOST_UPPER_CASE] = {"origin-upper-case",
		    "has upper case in its host, which browsers never send",
		    "write it in lower case"},
		[HOST_BAD_BYTE] = {"origin-host",
		    "has a character that no host has",
		    "a host has letters, digits, '-', '.' and '_'"},
		[HOST_EMPTY_LABEL] = {"origin-label-empty",
		    "has an empty label in its host", "remove the extra dot"},
		[HOST_LONG_LABEL] = {"origin-label-long",
		    "has a label of more than 63 bytes",
		    "no such host can exist"},
		[HOST_TOO_LONG] = {"origin-host-long",
		    "has a host of more than 253 bytes",
		    "no such host can exist"},
		[HOST_BAD_PUNYCODE] = {"origin-punycode",
		    "has a label of invalid punycode",
		    "copy the host from the browser's address bar"},
		[HOST_BAD_IPV4] = {"origin-ipv4",
		    "has an IPv4 address that is no dotted quad",
		    "write four numbers from 0 to 255 without leading zeros"},
		[HOST_BAD_IPV6] = {"origin-ipv6",
		    "has an IPv6 address that is not in compressed form",
		    "write it in brackets, in lower case, as in http://[::1]"},
		[HOST_ASTERISK] = {"origin-asterisk",
		    "has a '*' where none may stand", asterisk_hint},
	};

	(s->star ? host_judge_below : host_judge)(s->host,
	    is_special(s->scheme), c);
	if (memchr(s->host.p, ':', s->host.n) != NULL && s->host.p[0] != '[')
		error(p, s->host.p, "origin-ipv6",
		    "write an IPv6 address in brackets, as in "
		    "http://[::1]:8080",
		    "has more than one ':' after its scheme");
	else if (c->fault != HOST_OK)
		error(p, s->host.p + c->at, faults[c->fault].id,
		    faults[c->fault].hint, faults[c->fault].text);
	else if (s->star && c->kind != HOST_NAME)
		error(p, s->host.p - 2, "origin-asterisk", asterisk_hint,
		    "has a '*' before an IP address");
}

static void
check_port(struct parse *p, const struct pieces *s)
{
	int number = port_number(s->port);

	if (!s->has_port || str_eq(s->port, STR("*")))
		return;
	if (memchr(s->port.p, '*', s->port.n) != NULL)
		error(p, s->port.p, "origin-asterisk", asterisk_hint,
		    "has a '*' that is not the whole port");
	else if (number < 0)
		error(p, s->port.p, "origin-port",
		    "a port is 1 to 65535, without leading zeros",
		    "has an invalid port");
	else if (number == origin_default_port(s->scheme))
		error(p, s->port.p, "origin-default-port", "leave the port out",
		    "writes its scheme's default port, which browsers leave "
		    "out");
}

static void
check_rest(struct parse *p, const struct pieces *s)
{
	if (s->has_userinfo)
		error(p, s->userinfo.p, "origin-userinfo",
		    "leave out what stands before the '@'",
		    "has a user name, which browsers never send");
	if (str_eq(s->path, STR("/")))
		error(p, s->path.p, "origin-trailing-slash", "leave it out",
		    "has a trailing slash, which browsers never send");
	else if (s->path.n > 0)
		error(p, s->path.p, "origin-path",
		    "an origin is scheme://host:port and nothing more",
		    "has a path, which browsers never send");
}

/* As blob:https://a and https:/a have: "https://" before it mends nothing. */
static bool
has_scheme_inside(struct str text)
{
	for (size_t i = 0; i + 1 < text.n; i++)
		if (text.p[i] == ':' && text.p[i + 1] == '/')
			return true;
	return false;
}

static void
no_scheme(struct parse *p)
{
	char space[FIX_MAX];
	struct buf hint = BUF(space);
	struct str rest = p->text;
	struct pieces s;
	char guess[FIX_MAX];
	struct buf url = BUF(guess), fixed;

	if (str_eq_fold(rest, STR("null"))) {
		error(p, rest.p, "origin-upper-case", "write null",
		    "is not written as browsers send it");
		return;
	}
	if (memchr(rest.p, '*', rest.n) != NULL && rest.n <= 3) {
		error(p, rest.p, "origin-asterisk", asterisk_hint,
		    "has a '*' where none may stand");
		return;
	}
	while (rest.n > 0 && rest.p[0] == '/')
		rest = str_from(rest, 1);
	buf_add(&url, STR("https://"));
	buf_add(&url, rest);
	buf_add(&hint, STR("write "));
	fixed = hint;
	if (!url.full && !has_scheme_inside(rest) &&
	    split(buf_str(&url), &s) && canonical(&s, &fixed))
		hint = fixed;
	else
		buf_add(&hint,
		    STR("scheme://host, as in https://app.example.com"));
	error(p, p->text.p, "origin-scheme-missing", buf_cstr(&hint),
	    "has no scheme");
}

/* Control characters and white space would make every message misleading. */
static bool
has_bad_bytes(struct parse *p)
{
	for (size_t i = 0; i < p->text.n; i++) {
		unsigned char c = (unsigned char)p->text.p[i];
		if (is_control(c) || c == ' ') {
			error(p, p->text.p + i, "origin-control",
			    "remove it",
			    "has a control character or white space");
			return true;
		}
	}
	return false;
}

static void
fill(struct origin *out, struct str text, const struct pieces *s,
    enum host_kind kind)
{
	*out = (struct origin){
	    .kind = ORIGIN_EXACT,
	    .host_kind = kind,
	    .text = text,
	    .scheme = s->scheme,
	    .host = s->host,
	    .subdomains = s->star,
	    .port = ORIGIN_PORT_DEFAULT,
	};
	if (str_eq(s->port, STR("*")))
		out->port = ORIGIN_PORT_ANY;
	else if (s->has_port)
		out->port = port_number(s->port);
	if (out->subdomains || out->port == ORIGIN_PORT_ANY)
		out->kind = ORIGIN_PATTERN;
}

static void
check_warnings(struct parse *p, const struct pieces *s,
    const struct host_check *c)
{
	if (c->underscore)
		warn(p, s->host.p, "origin-underscore",
		    "browsers send it, but certificates and some servers "
		    "refuse it",
		    "has an underscore in its host");
	if (c->trailing_dot)
		warn(p, s->host.p + s->host.n - 1, "origin-trailing-dot",
		    "leave the dot out, unless pages are opened with it",
		    "has a host with a trailing dot, another origin to "
		    "browsers");
	if (c->outer_hyphen)
		warn(p, s->host.p, "origin-hyphen",
		    "check the spelling: such a name cannot be registered",
		    "has a label that begins or ends with '-'");
}

int
origin_parse(struct str text, struct origin *out, struct diag *d,
    struct place at)
{
	struct parse p = {.text = text, .d = d, .at = at};
	struct host_check check;
	struct pieces s;

	*out = (struct origin){.kind = ORIGIN_ANY, .text = text};
	if (str_eq(text, STR("*")))
		return 0;
	if (str_eq(text, STR("null"))) {
		out->kind = ORIGIN_NULL;
		return 0;
	}
	if (has_bad_bytes(&p))
		return -1;
	if (!split(text, &s)) {
		no_scheme(&p);
		return -1;
	}
	p.pieces = &s;
	check_scheme(&p, &s);
	check_host(&p, &s, &check);
	check_port(&p, &s);
	check_rest(&p, &s);
	if (p.failed)
		return -1;
	check_warnings(&p, &s, &check);
	fill(out, text, &s, check.kind);
	return 0;
}

/* ---- requests ---------------------------------------------------------- */

static bool
is_hex(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* The bytes of a host in front of s, brackets included; 0 where there is
 * none. */
static size_t
host_length(struct str s)
{
	size_t i = 1;

	if (s.n == 0)
		return 0;
	if (s.p[0] == '[') {
		while (i < s.n && (is_hex((unsigned char)s.p[i]) ||
		        s.p[i] == ':'))
			i++;
		return i > 2 && i < s.n && s.p[i] == ']' ? i + 1 : 0;
	}
	for (i = 0; i < s.n; i++)
		if (s.p[i] != '.' && !host_byte_valid((unsigned char)s.p[i]))
			break;
	return i;
}

bool
origin_split(struct str text, struct origin *out)
{
	size_t scheme = 0, host;

	while (scheme < text.n && is_scheme_byte((unsigned char)text.p[scheme]))
		scheme++;
	*out = (struct origin){.kind = ORIGIN_EXACT, .text = text,
	    .scheme = {text.p, scheme}};
	struct str rest = str_from(text, scheme);
	if (!is_scheme(out->scheme) || !str_starts(rest, STR("://")))
		return false;
	rest = str_from(rest, 3);
	host = host_length(rest);
	out->host = (struct str){rest.p, host};
	if (host == 0)
		return false;
	out->host_kind = rest.p[0] == '[' ? HOST_IPV6 : HOST_NAME;
	rest = str_from(rest, host);
	if (rest.n == 0)
		return true;
	out->port = rest.p[0] == ':' ? port_number(str_from(rest, 1)) : -1;
	return out->port > 0 && out->port != origin_default_port(out->scheme);
}

bool
origin_is_loopback(const struct origin *o)
{
	struct str host = o->host;

	if (o->host_kind == HOST_IPV6)
		return str_eq(host, STR("[::1]"));
	if (o->host_kind == HOST_IPV4)
		return str_starts(host, STR("127."));
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	return str_eq(host, STR("localhost")) ||
	    str_ends(host, STR(".localhost"));
}

bool
origin_is_secure(const struct origin *o)
{
	static const char *const insecure[] = {"http", "ftp"};

	for (size_t i = 0; i < sizeof insecure / sizeof *insecure; i++)
		if (str_eq(o->scheme, str_of(insecure[i])))
			return origin_is_loopback(o);
	return true;
}
