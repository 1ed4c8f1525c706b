#include "config.h"

#include "conf/conf_impl.h"

#include "base/buf.h"

enum { FOREIGN_MAX = 512 }; /* bytes of an entry that is looked at */

/* ---- what it looks like ------------------------------------------------- */

/* Signs of other software's lists, as bits. */
enum sign {
	SIGN_QUOTE = 1,      /* quotes, and the bracket of a JSON list */
	SIGN_SEPARATOR = 2,  /* ; and | between origins */
	SIGN_EXPRESSION = 4, /* of a regular expression */
};

static unsigned
byte_sign(char c)
{
	switch (c) {
	case '"': case '\'': case '`':
		return SIGN_QUOTE;
	case ';': case '|':
		return SIGN_SEPARATOR;
	case '\\': case '^': case '$': case '(': case '~': case '{': case '+':
		return SIGN_EXPRESSION;
	default:
		return 0;
	}
}

/* The signs in an entry: nearly none has one. */
static unsigned
entry_signs(struct str entry)
{
	unsigned signs = entry.p[0] == '[' ? SIGN_QUOTE :
	    entry.p[0] == '/' ? SIGN_EXPRESSION : 0;

	for (size_t i = 0; i < entry.n; i++) {
		signs |= byte_sign(entry.p[i]);
		if (entry.p[i] == '*' && i > 1 && entry.p[i - 1] == '.' &&
		    entry.p[i - 2] == '/')
			signs |= SIGN_EXPRESSION;
	}
	return signs;
}

/* ---- what was meant ----------------------------------------------------- */

/* The entry without the signs of an expression. */
static void
strip_expression(struct str entry, struct buf *out)
{
	for (size_t i = 0; i < entry.n; i++) {
		char next = i + 1 < entry.n ? entry.p[i + 1] : '\0';

		if (memchr("~^$\\", entry.p[i], 4) != NULL ||
		    (entry.p[i] == '.' && (next == '*' || next == '+')))
			continue;
		buf_char(out, entry.p[i] == '+' ? '*' : entry.p[i]);
	}
}

static void
strip_quotes(struct str entry, struct buf *out)
{
	if (str_starts(entry, STR("[")))
		entry = str_from(entry, 1);
	if (str_ends(entry, STR("]")) || str_ends(entry, STR(";")))
		entry.n--;
	for (size_t i = 0; i < entry.n; i++)
		if (byte_sign(entry.p[i]) != SIGN_QUOTE)
			buf_char(out, entry.p[i]);
}

static bool
is_origin(const struct buf *b)
{
	static const struct place nowhere = {0, 0, 0};
	struct origin o;

	return b->n > 0 && !b->full &&
	    origin_parse(buf_str(b), &o, NULL, nowhere) == 0;
}

/* Adds the rule that was broken and, where it is clear, what was meant. */
static void
add_meant(struct buf *hint, const char *rule, const struct buf *meant,
    const char *otherwise)
{
	buf_add(hint, str_of(rule));
	if (is_origin(meant)) {
		buf_add(hint, STR("write "));
		buf_add(hint, buf_str(meant));
	} else {
		buf_add(hint, str_of(otherwise));
	}
}

/* Fills hint for an entry that is foreign.  Returns whether it is. */
static bool
hint_for(struct str entry, unsigned signs, struct buf *hint)
{
	char text[FOREIGN_MAX + 8];
	struct buf meant = BUF(text);

	if (str_eq_fold(entry, STR("all")) || str_eq_fold(entry, STR("any"))) {
		buf_add(hint, STR("write * for every origin"));
	} else if ((signs & SIGN_QUOTE) != 0) {
		strip_quotes(entry, &meant);
		add_meant(hint, "there are no quotes and brackets here: ",
		    &meant, "write https://app.example.com, "
		    "https://b.example.com");
	} else if (signs == SIGN_SEPARATOR) {
		buf_add(hint, STR("separate origins by commas"));
	} else if (signs != 0) {
		strip_expression(entry, &meant);
		add_meant(hint, "expressions mean nothing here: ", &meant,
		    "list the origins, or write https://*.example.com for "
		    "all names below a domain");
	} else if (str_starts(entry, STR("localhost")) ||
	    str_starts(entry, STR("127."))) {
		buf_add(&meant, STR("http://"));
		buf_add(&meant, entry);
		if (is_origin(&meant))
			add_meant(hint, "", &meant, "");
	}
	return hint->n > 0 && !hint->full;
}

/* ---- findings ----------------------------------------------------------- */

/* Adds the first finding on an entry, with this hint in place of its own.
 * Returns 0, or -1 where there is none to add. */
static int
add_first(struct str entry, const char *hint, struct diag *d, struct place at)
{
	struct diag *own = diag_new();
	const struct diag_item *items;
	struct origin o;
	size_t count = 0;
	int ret = -1;

	if (own == NULL)
		return -1;
	if (origin_parse(entry, &o, own, at) != 0 && diag_errors(own) > 0) {
		items = diag_items(own, &count);
		for (size_t i = 0; i < count && ret != 0; i++)
			if (items[i].level == DIAG_ERROR) {
				diag_add(d, DIAG_ERROR, items[i].at,
				    items[i].id, hint, "%s", items[i].text);
				ret = 0;
			}
	}
	diag_free(own);
	return ret;
}

int
hint_origin_parse(struct str entry, struct origin *out, struct diag *d,
    struct place at)
{
	char text[FOREIGN_MAX + 128];
	struct buf hint = BUF(text);
	unsigned signs = entry_signs(entry);

	/* Nearly every entry is none. */
	if (d != NULL && entry.n <= FOREIGN_MAX &&
	    (signs != 0 || !str_starts(entry, STR("http"))) &&
	    hint_for(entry, signs, &hint) &&
	    add_first(entry, buf_cstr(&hint), d, at) == 0)
		return -1;
	return origin_parse(entry, out, d, at);
}

int
hint_choice(struct str value)
{
	static const char *const words[2][4] = {
		{"false", "off", "0", "disabled"},
		{"true", "on", "1", "enabled"},
	};

	for (int choice = 0; choice < 2; choice++)
		for (size_t i = 0; i < 4; i++)
			if (str_eq_fold(value, str_of(words[choice][i])))
				return choice;
	return str_eq_fold(value, STR("yes")) ? 1 :
	    str_eq_fold(value, STR("no")) ? 0 : -1;
}
