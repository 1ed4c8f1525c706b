#include "config.h"

#include "conf/lex.h"

#include <ini.h>
#include <stdio.h>

#include "base/buf.h"

/* ---- bytes ------------------------------------------------------------- */

struct str
conf_strip(struct str text, const char *marks)
{
	for (; *marks != '\0'; marks++) {
		const char *p = text.p, *end = text.p + text.n;

		while ((p = memchr(p, *marks, (size_t)(end - p))) != NULL &&
		    p > text.p && !is_blank(p[-1]))
			p++;
		if (p != NULL)
			text.n = (size_t)(p - text.p);
	}
	return str_trim(text);
}

bool
conf_list_next(struct str *rest, struct str *element)
{
	struct str s = *rest;
	size_t n = 0;

	while (s.n > 0 && (is_blank(s.p[0]) || s.p[0] == ','))
		s = str_from(s, 1);
	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != ',')
		n++;
	*element = (struct str){s.p, n};
	*rest = str_from(s, n);
	return n > 0;
}

/* The place of the byte p of a line; line names its file and number, raw is its
 * text. */
static struct place
place_of(struct place line, struct str raw, const char *p)
{
	line.col = (unsigned)(p - raw.p) + 1;
	return line;
}

bool
conf_bad_byte(struct str line, struct str value, struct diag *d,
    struct place at)
{
	const char *nul = memchr(line.p, '\0', line.n);
	const char *cr = memchr(line.p, '\r', line.n);
	char hex[8];

	if (nul != NULL) {
		diag_add(d, DIAG_ERROR, place_of(at, line, nul), "line-nul",
		    "write the file as UTF-8 text", "a NUL byte");
		return true;
	}
	if (cr != NULL) {
		diag_add(d, DIAG_ERROR, place_of(at, line, cr),
		    "line-control-byte", "end lines with LF or CR LF",
		    "a carriage return within a line");
		return true;
	}
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (!is_control(c) || c == '\t')
			continue;
		(void)snprintf(hex, sizeof(hex), "\\x%02x", c);
		diag_add(d, DIAG_ERROR, place_of(at, line, value.p + i),
		    "line-control-byte", "take it out",
		    "a control byte '%s'", hex);
		return true;
	}
	return false;
}

enum { KEY_BYTES_MAX = 40 };

struct reader {
	struct lines *in;
	unsigned file;
	struct diag *d;
	const struct conf_events *events;
	void *ctx;
	enum section_kind kind;
	bool in_section;
	bool foreign;    /* the section is unknown: so may its lines be */
	bool can_go_on;  /* inih has a key that an indented line goes on with */
	bool known;      /* some line is one that a policy file has */
	bool skip;       /* such lines go on with what was dropped */
	bool failed;
	bool more;       /* what inih reads next: goes on with a value */
	struct str value; /* and its value, in the kept line */
	struct place key_at, value_at;
};

/* The offset of the first of two bytes in s, or s.n. */
static size_t
find_either(struct str s, char a, char b)
{
	size_t i = 0;

	while (i < s.n && s.p[i] != a && s.p[i] != b)
		i++;
	return i;
}

/* ---- findings ---------------------------------------------------------- */

/* Refuses a line, and what goes on with it. */
static void
drop(struct reader *r)
{
	r->skip = true;
	if (r->in_section)
		r->events->dropped(r->ctx);
}

static void
report_no_key(struct reader *r, struct str text, struct place at)
{
	struct shown shown;

	diag_add(r->d, DIAG_ERROR, at, "line-no-key",
	    "write 'key = value'; a line that goes on with the list above is "
	    "indented", "'%s' is not 'key = value'", buf_shown(&shown, text));
	drop(r);
}

/* ---- sections ---------------------------------------------------------- */

static bool
is_name(struct str s)
{
	if (s.n == 0 || s.n > POLICY_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] == '\0' || strchr("abcdefghijklmnopqrstuvwxyz"
		    "0123456789-_", s.p[i]) == NULL)
			return false;
	return true;
}

static const char *const kinds[] = {
	[SECTION_DEFAULTS] = "defaults",
	[SECTION_POLICY] = "policy",
	[SECTION_TEST] = "test",
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

/* Returns the kind that word names or means, or -1, with an error for all but
 * the first.  alone: no name is behind it. */
static int
section_kind(struct reader *r, struct str word, bool alone, struct place at)
{
	struct shown shown;
	const char *hint = "write [defaults], [policy NAME] or [test NAME]";
	char guess[64];
	int kind = -1;

	for (int i = 0; i < KINDS; i++)
		if (str_eq(word, str_of(kinds[i])))
			return i;
	for (int i = 0; i < KINDS && kind < 0; i++)
		if (conf_word_near(word, str_of(kinds[i])))
			kind = i;
	if (kind >= 0) {
		(void)snprintf(guess, sizeof(guess), "did you mean [%s%s]?",
		    kinds[kind], kind == SECTION_DEFAULTS ? "" : " NAME");
		hint = guess;
	} else if (alone && is_name(word)) {
		(void)snprintf(guess, sizeof(guess), "write [policy %.*s]",
		    STR_ARG(word));
		hint = guess;
	}
	diag_add(r->d, DIAG_ERROR, at, "section-unknown", hint,
	    "unknown section '%s'", buf_shown(&shown, word));
	return kind;
}

/* Fills out with the name that is meant by one that is no good, or says what a
 * name is. */
static const char *
name_hint(enum section_kind kind, struct str name, struct buf *out)
{
	static const char *const rule =
	    "a name is 1 to 40 characters of a-z 0-9 - _";
	char text[POLICY_NAME_MAX + 1];
	struct str meant = {text, name.n};

	if (name.n > POLICY_NAME_MAX)
		return rule;
	for (size_t i = 0; i < name.n; i++) {
		text[i] = (char)ascii_lower((unsigned char)name.p[i]);
		if (text[i] == ' ' || text[i] == '.' || text[i] == '/')
			text[i] = '-';
	}
	if (!is_name(meant))
		return rule;
	buf_add(out, STR("write ["));
	buf_add(out, str_of(kinds[kind]));
	buf_char(out, ' ');
	buf_add(out, meant);
	buf_add(out, STR("]: "));
	buf_add(out, str_of(rule));
	return buf_cstr(out);
}

/* The name as it may stand in the surrogate: empty where it is no good. */
static struct str
section_name(struct reader *r, enum section_kind kind, struct str name,
    struct place at)
{
	struct shown shown;
	char text[256];
	struct buf hint = BUF(text);

	if (kind == SECTION_DEFAULTS) {
		if (name.n > 0)
			diag_add(r->d, DIAG_ERROR, at, "section-name",
			    "write [defaults]", "[defaults] has no name, got "
			    "'%s'", buf_shown(&shown, name));
		return (struct str){name.p, 0};
	}
	if (is_name(name))
		return name;
	diag_add(r->d, DIAG_ERROR, at, "section-name",
	    name_hint(kind, name, &hint), name.n == 0 ?
	    "a section without a name%s" : "invalid section name '%s'",
	    name.n == 0 ? "" : buf_shown(&shown, name));
	return (struct str){name.p, 0};
}

/* What stands between the brackets, with an error where they are no pair. */
static struct str
section_content(struct reader *r, struct str text, struct str raw,
    struct place at)
{
	struct str inner = str_from(text, 1), after;
	struct shown shown;
	size_t end = find_either(inner, ']', ']');

	if (end == inner.n) {
		diag_add(r->d, DIAG_ERROR, at, "section-bracket",
		    "end the section's line with ']'",
		    "']' is missing after '%s'", buf_shown(&shown, text));
		return str_trim(inner);
	}
	after = str_trim(str_from(inner, end + 1));
	if (after.n > 0)
		diag_add(r->d, DIAG_ERROR, place_of(at, raw, after.p),
		    "section-text", "write it on a line of its own",
		    "text after the section's ']': '%s'",
		    buf_shown(&shown, after));
	inner.n = end;
	return str_trim(inner);
}

/* Starts the section of a line and writes the surrogate for it.  One of an
 * unknown kind is read like a policy, so that what is wrong in it is told in
 * the same run. */
static void
read_section(struct reader *r, struct str text, struct str raw,
    struct place at, struct buf *out)
{
	struct str inner, word, name;
	int kind;

	at = place_of(at, raw, text.p);
	inner = section_content(r, text, raw, at);
	word = (struct str){inner.p, find_either(inner, ' ', '\t')};
	name = str_trim(str_from(inner, word.n));
	kind = section_kind(r, word, name.n == 0, at);
	r->can_go_on = false;
	r->in_section = true;
	r->foreign = kind < 0;
	r->known = r->known || kind >= 0;
	r->skip = r->foreign;
	r->kind = r->foreign ? SECTION_POLICY : (enum section_kind)kind;
	name = r->foreign ? STR("") : section_name(r, r->kind, name, at);
	r->events->section(r->ctx, r->kind, name, at, !r->foreign);
	buf_char(out, '[');
	buf_add(out, str_of(kinds[r->kind]));
	buf_char(out, ' ');
	buf_add(out, name);
	buf_add(out, STR("]\n"));
}

/* ---- keys -------------------------------------------------------------- */

static bool
is_word(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = ascii_lower((unsigned char)s.p[i]);

		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' &&
		    c != '_')
			return false;
	}
	return s.n > 0;
}

/* Splits 'key = value', or 'key: value' with an error where the key is one.
 * Returns false for what is neither, with an error. */
static bool
split_key(struct reader *r, struct str text, struct place at,
    struct str *key, struct str *value)
{
	size_t sep = find_either(text, '=', ':');
	struct shown shown;
	bool colon = sep < text.n && text.p[sep] == ':';

	*key = str_trim((struct str){text.p, sep});
	*value = sep < text.n ? str_trim(str_from(text, sep + 1)) :
	    str_from(text, sep);
	if (colon && str_starts(*value, STR("//"))) {
		diag_add(r->d, DIAG_ERROR, at, "line-not-indented",
		    "indent it, if it goes on with the list above",
		    "'%s' is not 'key = value'", buf_shown(&shown, text));
		drop(r);
		return false;
	}
	if (sep == text.n || !is_word(*key) ||
	    (colon && conf_key_find(r->kind, *key) < 0)) {
		report_no_key(r, text, at);
		return false;
	}
	if (colon)
		diag_add(r->d, DIAG_ERROR, at, "line-colon",
		    "write '=' in place of ':'",
		    "'%s:' is not 'key = value'", buf_shown(&shown, *key));
	return true;
}

/* Whether a line sets a key of a policy, or one that is likely meant. */
static bool
is_policy_key(struct str text)
{
	char hint[512];
	struct buf unused = BUF(hint);
	struct str key = str_trim((struct str){text.p,
	    find_either(text, '=', '=')});

	return key.n < text.n && is_word(key) &&
	    (conf_key_find(SECTION_POLICY, key) >= 0 ||
	    conf_key_suggest(SECTION_POLICY, key, &unused) >= 0);
}

/* Keeps the key and the value of a line and writes the surrogate for it. */
static bool
read_key(struct reader *r, struct str text, struct str raw, struct place at,
    struct buf *out)
{
	struct str key;
	struct shown shown;

	if (r->foreign && !is_policy_key(text)) {
		r->skip = true;
		return false;
	}
	r->key_at = place_of(at, raw, text.p);
	if (!split_key(r, text, r->key_at, &key, &r->value))
		return false;
	r->known = r->known || conf_key_find(SECTION_POLICY, key) >= 0;
	if (!r->in_section) {
		diag_add(r->d, DIAG_ERROR, r->key_at, "key-outside-section",
		    "write it below [defaults] or [policy NAME]",
		    "key '%s' before the first section",
		    buf_shown(&shown, key));
		drop(r);
		return false;
	}
	if (key.n > KEY_BYTES_MAX) {
		diag_add(r->d, DIAG_ERROR, r->key_at, "key-unknown",
		    "no key is so long", "unknown key '%s'",
		    buf_shown(&shown, key));
		drop(r);
		return false;
	}
	r->value_at = place_of(at, raw, r->value.p);
	r->more = r->skip = false;
	r->can_go_on = true;
	buf_add(out, key);
	buf_add(out, STR("=1\n"));
	return true;
}

/* ---- lines ------------------------------------------------------------- */

/* Whether an indented line begins with 'key =', 'key:' or '[section': for INI
 * it goes on with the key above, which nobody means. */
static bool
looks_unindented(struct reader *r, struct str text)
{
	size_t sep = find_either(text, '=', ':');
	struct str key = str_trim((struct str){text.p, sep});

	if (text.p[0] == '[') /* no IPv6 address */
		return sep == text.n || text.p[sep] != ':';
	if (sep == text.n || !is_word(key))
		return false;
	return text.p[sep] == '=' || conf_key_find(r->kind, key) >= 0;
}

/* Judges one line.  Returns whether there is a surrogate for it in out. */
static bool
read_line(struct reader *r, struct str raw, struct buf *out)
{
	struct place at = {r->file, r->in->number, 1};
	struct str text = conf_strip(raw, ";#");
	bool indented = text.p > raw.p;

	if (conf_bad_byte(raw, text, r->d, at)) {
		drop(r);
		return false;
	}
	if (text.n == 0)
		return false;
	if (indented && (r->can_go_on || r->skip)) {
		at = place_of(at, raw, text.p);
		if (looks_unindented(r, text) && !r->foreign) {
			diag_add(r->d, DIAG_ERROR, at, "line-indented",
			    "remove the white space before it",
			    "an indented line goes on with the key above");
		} else if (r->skip) {
			return false;
		} else {
			r->more = true;
			r->value = text;
			r->value_at = at;
			buf_add(out, STR(" 1\n"));
			return true;
		}
	}
	if (text.p[0] == '[') {
		read_section(r, text, raw, at, out);
		return true;
	}
	return read_key(r, text, raw, at, out);
}

/* Reads lines until one has a surrogate, and writes it.  Returns false at the
 * end of the file. */
static bool
next_surrogate(struct reader *r, struct buf *out)
{
	struct place at = {r->file, 0, 0};
	struct str raw;

	for (;;) {
		switch (lines_next(r->in, &raw)) {
		case LINES_LINE:
			if (read_line(r, raw, out))
				return true;
			break;
		case LINES_LONG:
			at.line = r->in->number;
			at.col = LINE_BYTES_MAX + 1;
			diag_add(r->d, DIAG_ERROR, at, "line-too-long",
			    "write the list on several lines, indented",
			    "a line of over %d bytes", LINE_BYTES_MAX);
			drop(r);
			break;
		case LINES_ERROR:
			diag_add(r->d, DIAG_ERROR, at, "file-unreadable", NULL,
			    "can't read: %s", r->in->why);
			r->failed = true;
			return false;
		case LINES_END:
			return false;
		}
	}
}

/* An ini_reader: like fgets. */
static char *
give_line(char *str, int num, void *stream)
{
	struct reader *r = stream;
	struct buf out;

	if (num <= 0)
		return NULL;
	out = (struct buf){str, 0, (size_t)num, false};
	if (!next_surrogate(r, &out))
		return NULL;
	(void)buf_cstr(&out);
	if (out.full) {
		r->failed = true;
		return NULL;
	}
	return str;
}

/* An ini_handler.  The section was told already, as inih tells none that is
 * empty. */
static int
take_pair(void *user, const char *section, const char *name,
    const char *value)
{
	struct reader *r = user;

	(void)section;
	(void)value;
	if (r->more)
		r->events->more(r->ctx, r->value, r->value_at);
	else
		r->events->key(r->ctx, str_of(name), r->key_at, r->value,
		    r->value_at);
	return 1;
}

int
conf_read(struct lines *in, unsigned file, struct diag *d,
    const struct conf_events *events, void *ctx)
{
	struct reader r = {.in = in, .file = file, .d = d, .events = events,
	    .ctx = ctx};

	int ret = ini_parse_stream(give_line, &r, take_pair, &r);
	if (!r.known)
		diag_conceal(d, file);
	if (ret == 0 && !r.failed)
		return 0;
	if (diag_errors(d) == 0)
		diag_add(d, DIAG_ERROR, (struct place){file, 1, 1},
		    "file-unreadable", "preflightd needs an inih with lists "
		    "over several lines", "inih does not read this file");
	return -1;
}
