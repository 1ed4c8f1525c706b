/* target_check.c - the elements of `host` and `path` in a policy file: they are
 * written as requests are compared with them. */
#include "config.h"

#include "core/target.h"

#include "base/buf.h"
#include "core/host.h"

/* What is checked, and where its findings go. */
struct subject {
	struct str text;
	struct diag *d;
	struct place at;
};

/* Adds a finding at offset; fix is the right spelling or empty, hint what to
 * say without one. */
static int
report(const struct subject *s, enum diag_level level, size_t offset,
    const char *id, struct str fix, const char *hint, const char *what)
{
	char space[4 * TARGET_PATH_MAX];
	struct buf b = BUF(space);
	struct shown shown;
	struct place at = s->at;

	at.col += (unsigned)offset;
	if (fix.n > 0) {
		buf_add(&b, STR("write "));
		buf_escaped(&b, fix, TARGET_PATH_MAX / 2);
		hint = buf_cstr(&b);
	}
	diag_add(s->d, level, at, id, hint, "'%s' %s",
	    buf_shown(&shown, s->text), what);
	return -1;
}

/* ---- hosts ------------------------------------------------------------- */

static const struct {
	const char *id, *text, *hint;
} host_faults[] = {
	[HOST_OK] = {"", "", ""},
	[HOST_EMPTY] = {"host-invalid", "names no host",
	    "write a host, as in api.example.com"},
	[HOST_NON_ASCII] = {"host-non-ascii",
	    "is not ASCII; requests carry punycode",
	    "write it in punycode (xn--...)"},
	[HOST_UPPER_CASE] = {"host-upper-case",
	    "has upper case; hosts are compared in lower case",
	    "write it in lower case"},
	[HOST_BAD_BYTE] = {"host-invalid", "has a character that no host has",
	    "a host has letters, digits, '-', '.' and '_'"},
	[HOST_EMPTY_LABEL] = {"host-invalid", "has an empty label",
	    "remove the extra dot"},
	[HOST_LONG_LABEL] = {"host-invalid",
	    "has a label of more than 63 bytes", "no such host can exist"},
	[HOST_TOO_LONG] = {"host-invalid", "has more than 253 bytes",
	    "no such host can exist"},
	[HOST_BAD_PUNYCODE] = {"host-punycode",
	    "has a label of invalid punycode",
	    "copy the host from the browser's address bar"},
	[HOST_BAD_IPV4] = {"host-invalid", "is no IPv4 address in dotted quad",
	    "write four numbers from 0 to 255 without leading zeros"},
	[HOST_BAD_IPV6] = {"host-invalid",
	    "is no IPv6 address in compressed form",
	    "write it in brackets and in lower case, as in [::1]"},
	[HOST_ASTERISK] = {"host-asterisk", "has a '*' where none may stand",
	    "a '*' stands alone, or as '*.' before a domain"},
};

/* The host in a text that has a scheme, a path or a port around it. */
static struct str
bare_host(struct str text)
{
	for (size_t i = 0; i + 2 < text.n; i++)
		if (memcmp(text.p + i, "://", 3) == 0) {
			text = str_from(text, i + 3);
			break;
		}
	size_t end = 0;
	while (end < text.n && memchr("/?#", text.p[end], 3) == NULL)
		end++;
	text.n = end;
	while (end > 0 && text.p[end - 1] >= '0' && text.p[end - 1] <= '9')
		end--;
	if (end > 0 && text.p[end - 1] == ':')
		text.n = end - 1;
	else if (text.n > 1 && text.p[text.n - 1] == '*' &&
	    text.p[text.n - 2] == ':')
		text.n -= 2;
	return text;
}

static bool
is_bare_ipv6(struct str text)
{
	size_t colons = 0;

	for (size_t i = 0; i < text.n; i++)
		colons += text.p[i] == ':';
	return colons > 1 && text.p[0] != '[' &&
	    memchr(text.p, '/', text.n) == NULL;
}

/* The right spelling of a host, "*." and all, or nothing. */
static struct str
host_fix(struct str host, struct buf *b)
{
	bool star = str_starts(host, STR("*."));
	struct host_check check;

	if (star) {
		buf_add(b, STR("*."));
		host = str_from(host, 2);
	}
	size_t start = b->n;
	if (host.n == 0 || !host_canonical(host, true, b))
		return STR("");
	(star ? host_judge_below : host_judge)(str_from(buf_str(b), start),
	    true, &check);
	return check.fault == HOST_OK ? buf_str(b) : STR("");
}

static int
check_bare(const struct subject *s, struct str *bare)
{
	char space[TARGET_PATH_MAX];
	struct buf b = BUF(space);

	*bare = bare_host(s->text);
	if (is_bare_ipv6(s->text)) {
		return report(s, DIAG_ERROR, 0, "host-invalid", STR(""),
		    "write an IPv6 address in brackets, as in [::1]",
		    "is no host");
	}
	if (bare->p != s->text.p)
		return report(s, DIAG_ERROR, 0, "host-scheme",
		    host_fix(*bare, &b), "write the host alone",
		    "has a scheme; a policy serves its hosts over both");
	if (memchr(s->text.p, '/', s->text.n) != NULL)
		return report(s, DIAG_ERROR, bare->n, "host-path",
		    host_fix(*bare, &b), "write the host alone",
		    "has a path; paths go into 'path'");
	if (bare->n != s->text.n)
		return report(s, DIAG_ERROR, bare->n, "host-port",
		    host_fix(*bare, &b), "write the host alone",
		    "has a port; a policy serves its hosts on any port");
	return 0;
}

int
host_check(struct str text, struct str *out, struct diag *d, struct place at)
{
	char space[TARGET_PATH_MAX];
	struct buf b = BUF(space);
	const struct subject s = {text, d, at};
	struct host_check check;
	struct str host;

	*out = text;
	if (str_eq(text, STR("*")))
		return 0;
	if (check_bare(&s, &host) != 0)
		return -1;
	bool star = str_starts(host, STR("*."));
	if (star)
		host = str_from(host, 2);
	(star ? host_judge_below : host_judge)(host, true, &check);
	if (check.fault == HOST_OK && star && check.kind != HOST_NAME)
		check.fault = HOST_ASTERISK;
	if (check.fault != HOST_OK)
		return report(&s, DIAG_ERROR, check.at + (star ? 2 : 0),
		    host_faults[check.fault].id, host_fix(text, &b),
		    host_faults[check.fault].hint,
		    host_faults[check.fault].text);
	if (check.underscore)
		(void)report(&s, DIAG_WARNING, 0, "host-underscore", STR(""),
		    "some servers and certificates refuse it",
		    "has an underscore");
	if (check.outer_hyphen)
		(void)report(&s, DIAG_WARNING, 0, "host-hyphen", STR(""),
		    "no such host can exist",
		    "has a label with '-' at an end, as no request has");
	if (check.trailing_dot) {
		out->n--;
		(void)report(&s, DIAG_WARNING, text.n - 1, "host-trailing-dot",
		    *out, "", "has a trailing dot, which is left out of the "
		    "comparison");
	}
	return 0;
}

/* ---- paths ------------------------------------------------------------- */

static bool
has_dot_segment(struct str path)
{
	size_t start = 1;

	for (size_t i = 1; i <= path.n; i++)
		if (i == path.n || path.p[i] == '/') {
			struct str segment = {path.p + start, i - start};
			if (str_eq(segment, STR(".")) ||
			    str_eq(segment, STR("..")))
				return true;
			start = i + 1;
		}
	return false;
}

struct path_fault {
	const char *id, *text, *hint;
	size_t at;
};

static bool
find_bad_byte(struct str path, struct path_fault *f)
{
	static const struct {
		char byte;
		const char *id, *text, *hint;
	} bytes[] = {
		{'%', "path-escape",
		    "has a '%'; paths are compared after percent-decoding",
		    "write the decoded path"},
		{'?', "path-query", "has a query, which no path has",
		    "write the path alone"},
		{'#', "path-fragment", "has a '#', which no request path has",
		    "write the path alone"},
		{'*', "path-asterisk",
		    "has a '*'; a path is a prefix and needs none",
		    "write the path up to the '*'"},
		{';', "path-parameters",
		    "has a ';', which servers read in different ways",
		    "write the path without it"},
		{'\\', "path-backslash",
		    "has a '\\', which some servers take for '/'", "write '/'"},
	};

	for (size_t i = 0; i < sizeof bytes / sizeof *bytes; i++) {
		const char *found = memchr(path.p, bytes[i].byte, path.n);
		if (found != NULL) {
			*f = (struct path_fault){bytes[i].id, bytes[i].text,
			    bytes[i].hint, (size_t)(found - path.p)};
			return true;
		}
	}
	return false;
}

static bool
find_double_slash(struct str path, struct path_fault *f)
{
	for (size_t i = 1; i < path.n; i++)
		if (path.p[i] == '/' && path.p[i - 1] == '/') {
			*f = (struct path_fault){"path-double-slash",
			    "has '//'; paths are compared with it merged",
			    "write one '/'", i};
			return true;
		}
	return false;
}

static bool
find_control(struct str path, struct path_fault *f)
{
	for (size_t i = 0; i < path.n; i++)
		if (is_control((unsigned char)path.p[i])) {
			*f = (struct path_fault){"path-control",
			    "has a control character", "remove it", i};
			return true;
		}
	return false;
}

/* Finds the first fault, in order of importance. */
static bool
find_path_fault(struct str path, struct path_fault *f)
{
	if (path.n == 0 || path.p[0] != '/')
		*f = (struct path_fault){"path-relative",
		    "does not begin with '/'", "write an absolute path", 0};
	else if (find_bad_byte(path, f) || find_double_slash(path, f))
		return true;
	else if (has_dot_segment(path))
		*f = (struct path_fault){"path-dot-segment",
		    "has a dot segment; paths are compared without any",
		    "write the path that it stands for", 0};
	else
		return find_control(path, f);
	return true;
}

/* What the path most likely means, or nothing; space has 2 * TARGET_PATH_MAX
 * bytes. */
static struct str
path_fix(struct str path, char *space)
{
	struct buf b = {space, 0, (size_t)2 * TARGET_PATH_MAX, false};
	struct str fix;

	if (path.n == 0 || path.p[0] != '/')
		buf_char(&b, '/');
	buf_add(&b, (struct str){path.p, str_find_any(path, "?#*;")});
	if (b.full || path_escapes_slash(buf_str(&b)) ||
	    !path_plain(buf_str(&b), space, b.cap, &fix))
		return STR("");
	for (size_t i = 0; i < fix.n; i++)
		if (is_control((unsigned char)fix.p[i]) ||
		    memchr("%?#*;, \\", fix.p[i], 8) != NULL)
			return STR("");
	if (fix.n > 1 && fix.p[fix.n - 1] == '/')
		fix.n--;
	return fix;
}

int
path_check(struct str text, struct str *out, struct diag *d, struct place at)
{
	char space[2 * TARGET_PATH_MAX];
	const struct subject s = {text, d, at};
	struct path_fault f;

	*out = text;
	if (text.n > TARGET_PATH_MAX)
		return report(&s, DIAG_ERROR, 0, "path-long", STR(""),
		    "write a shorter prefix", "has more than 1024 bytes");
	if (find_path_fault(text, &f))
		return report(&s, DIAG_ERROR, f.at, f.id,
		    path_fix(text, space), f.hint, f.text);
	if (text.n > 1 && text.p[text.n - 1] == '/') {
		out->n--;
		(void)report(&s, DIAG_WARNING, text.n - 1,
		    "path-trailing-slash", *out, "",
		    "has a trailing slash; it serves the path without it too");
	}
	return 0;
}
