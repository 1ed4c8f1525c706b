#include "config.h"

#include "target.h"

#include "host.h"
#include "lanes.h"

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

static bool
copy_address(struct str host, char *out, size_t *len)
{
	size_t close = 0;

	while (close < host.n && host.p[close] != ']')
		close++;
	if (close < 3 || close + 1 > TARGET_HOST_MAX || close == host.n ||
	    !is_port(str_from(host, close + 1)))
		return false;
	for (size_t i = 0; i <= close; i++) {
		unsigned char c = ascii_lower((unsigned char)host.p[i]);
		bool inside = i > 0 && i < close;
		if (inside && c != ':' && c != '.' && !host_byte_valid(c))
			return false;
		out[i] = (char)c;
	}
	*len = close + 1;
	return true;
}

/* What a byte of a name is compared as; 0 for bytes that no name has. */
static const unsigned char name_fold[256] = {
	['-'] = '-', ['.'] = '.', ['_'] = '_', ['0'] = '0', ['1'] = '1',
	['2'] = '2', ['3'] = '3', ['4'] = '4', ['5'] = '5', ['6'] = '6',
	['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',
	['C'] = 'c', ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g',
	['H'] = 'h', ['I'] = 'i', ['J'] = 'j', ['K'] = 'k', ['L'] = 'l',
	['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p', ['Q'] = 'q',
	['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v',
	['W'] = 'w', ['X'] = 'x', ['Y'] = 'y', ['Z'] = 'z',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
	['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
	['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
	['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
	['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
	['z'] = 'z',
};

/* Nearly every host is of a-z 0-9 - . alone. */
static lanes
plain_host(lanes v)
{
	return lanes_within(v, 'a', 'z') | lanes_within(v, '0', '9') |
	    lanes_within(v, '-', '.');
}

/* Copies what belongs to a name, in lower case; returns its length. */
static size_t
copy_folded(struct str host, char *out)
{
	size_t n = 0;
	unsigned char c;

	while (n < host.n && n < TARGET_HOST_MAX &&
	    (c = name_fold[(unsigned char)host.p[n]]) != 0)
		out[n++] = (char)c;
	return n;
}

/* Whether no label is empty but one behind a last dot, or too long. */
static bool
are_labels(const char *p, size_t n)
{
	const char *dot;
	size_t label;

	while (n > 0 && (dot = memchr(p, '.', n)) != NULL) {
		label = (size_t)(dot - p);
		if (label == 0 || label > HOST_LABEL_MAX_BYTES)
			return false;
		p = dot + 1;
		n -= label + 1;
	}
	return n <= HOST_LABEL_MAX_BYTES;
}

static bool
copy_name(struct str host, char *out, size_t *len)
{
	size_t n = host.n;

	if (n <= TARGET_HOST_MAX && lanes_every(host, plain_host))
		memcpy(out, host.p, n);
	else
		n = copy_folded(host, out);
	if (!are_labels(out, n) || !is_port(str_from(host, n)))
		return false;
	if (n > 0 && out[n - 1] == '.')
		n--;
	if (n == 0 || n > HOST_NAME_MAX_BYTES)
		return false;
	*len = n;
	return true;
}

bool
host_is_malformed(struct str host)
{
	return !lanes_every(host, lanes_printable);
}

enum host_verdict
host_normalize(struct str host, char *out, size_t *len)
{
	if (host.n == 0)
		return HOST_NONE;
	if (host.p[0] == '[' ? copy_address(host, out, len) :
	    copy_name(host, out, len))
		return HOST_GOOD;
	return host_is_malformed(host) ? HOST_MALFORMED : HOST_NONE;
}

/* ---- paths ------------------------------------------------------------- */

/* The segment being read: its bytes go behind space[len], as far as they
 * fit. */
struct walk {
	struct path *out;
	size_t len;      /* bytes of space that are in use */
	size_t length;   /* decoded bytes of the segment */
	size_t dots;     /* leading dots, as long as there is nothing else */
	bool only_dots, dots_then_parameters, in_parameters;
	bool saw_dots, saw_empty, failed;
	unsigned char previous; /* for overlong UTF-8 */
};

static void
segment_start(struct walk *w)
{
	w->length = w->dots = 0;
	w->only_dots = true;
	w->dots_then_parameters = w->in_parameters = false;
	w->previous = 0;
}

static void
pop(struct walk *w)
{
	struct path *p = w->out;

	if (p->beyond > 0) {
		p->beyond--;
		return;
	}
	if (w->len == 0) {
		w->failed = true;
		return;
	}
	while (p->space[w->len - 1] != '/')
		w->len--;
	w->len--;
}

static void
segment_end(struct walk *w, bool last)
{
	struct path *p = w->out;
	bool dot = w->only_dots && (w->dots == 1 || w->dots == 2) &&
	    w->length == w->dots;

	if (w->dots_then_parameters)
		w->failed = true;
	if (w->length == 0) {
		w->saw_empty = w->saw_empty || !(last || w->in_parameters);
		return;
	}
	if (dot) {
		w->saw_dots = true;
		if (w->dots == 2)
			pop(w);
		return;
	}
	if (p->beyond > 0 || w->len + 1 + w->length > sizeof p->space) {
		p->beyond++;
		return;
	}
	p->space[w->len] = '/';
	w->len += 1 + w->length;
}

/* E0 80-9F and F0 80-8F begin what some decoders take for a shorter
 * character; C0 and C1 never begin anything else. */
static bool
is_overlong(unsigned char previous, unsigned char c)
{
	return c == 0xc0 || c == 0xc1 ||
	    (previous == 0xe0 && c >= 0x80 && c <= 0x9f) ||
	    (previous == 0xf0 && c >= 0x80 && c <= 0x8f);
}

static void
segment_byte(struct walk *w, unsigned char c, bool plain)
{
	struct path *p = w->out;

	if (is_overlong(w->previous, c))
		w->failed = true;
	w->previous = c;
	if (c == ';' && !w->in_parameters) {
		if (w->only_dots && (w->dots == 1 || w->dots == 2))
			w->dots_then_parameters = true;
		w->in_parameters = plain;
	}
	if (w->in_parameters)
		return;
	if (c == '.' && w->only_dots)
		w->dots++;
	else
		w->only_dots = false;
	if (p->beyond == 0 && w->len + 1 + w->length < sizeof p->space)
		p->space[w->len + 1 + w->length] = (char)c;
	w->length++;
}

/* The byte at raw.p[*i], decoded; *i moves behind it.  Returns false for what
 * servers do not agree on. */
static bool
decode(struct str raw, size_t *i, unsigned char *c)
{
	*c = (unsigned char)raw.p[(*i)++];
	if (*c != '%')
		return *c != '\\' && *c != '#' && !is_control(*c);
	if (raw.n - *i < 2)
		return false;
	int high = hex_digit((unsigned char)raw.p[*i]);
	int low = hex_digit((unsigned char)raw.p[*i + 1]);
	if (high < 0 || low < 0)
		return false;
	*i += 2;
	*c = (unsigned char)(high << 4 | low);
	return *c != '/' && *c != '\\' && !is_control(*c);
}

static bool
feed(struct walk *w, struct str raw, bool plain)
{
	for (size_t i = 0; i < raw.n;) {
		unsigned char c;
		if (raw.p[i] == '/') {
			i++;
			segment_end(w, false);
			segment_start(w);
			continue;
		}
		if (!decode(raw, &i, &c))
			return false;
		segment_byte(w, c, plain);
	}
	return true;
}

/* Yes where a byte, behind the one in `before`, need not be looked at by
 * itself: A-Z a-z 0-9 - _, and '.' and '/' but behind a '/'. */
static lanes
plain(lanes before, lanes v)
{
	return lanes_letters(v) | lanes_is(v, '_') |
	    (lanes_within(v, '-', '9') &
	        ~(lanes_is(before, '/') & lanes_within(v, '.', '/')));
}

/* Whether a path, which begins with '/', reads the same to everybody. */
static bool
is_plain(struct str raw)
{
	const char *p = raw.p + 1, *end = raw.p + raw.n;
	lanes good;
	uint64_t w;

	if (raw.n <= 8) {
		w = swar_padded(str_from(raw, 1), 'a');
		return lanes_all(plain(
		    lanes_of_words(w << 8 | '/', SWAR_ALL('a')),
		    lanes_of_words(w, SWAR_ALL('a'))));
	}
	if (raw.n <= 16)
		return lanes_all(plain(lanes_both(p - 1, end - 9),
		    lanes_both(p, end - 8)));
	good = plain(lanes_load(end - 17), lanes_load(end - 16));
	for (; p < end - 16; p += 16)
		good &= plain(lanes_load(p - 1), lanes_load(p));
	return lanes_all(good);
}

bool
path_normalize(struct str raw, struct str more, enum path_reading reading,
    struct path *out)
{
	struct walk w = {.out = out, .failed = false};
	bool plain = reading == PATH_PLAIN;

	if (raw.n == 0) {
		raw = more;
		more.n = 0;
	}
	if (raw.n == 0 || raw.p[0] != '/')
		return false;
	out->beyond = 0;
	out->plain = more.n == 0 && is_plain(raw);
	if (out->plain) {
		out->text = raw;
		out->text.n -= raw.p[raw.n - 1] == '/';
		return true;
	}
	segment_start(&w);
	if (!feed(&w, str_from(raw, 1), plain) || !feed(&w, more, plain))
		return false;
	segment_end(&w, true);
	out->text = (struct str){out->space, w.len};
	return !w.failed && !(w.saw_dots && w.saw_empty);
}
