#include "config.h"

#include "conf_foreign.h"

#include "buf.h"

enum { FOREIGN_MAX = 512 }; /* bytes of an entry that is looked at */

static const char expression[] = "\\^$(~{+";
static const char quotes[] = "\"'`";

/* ---- what it looks like ------------------------------------------------- */

static bool
is_one_of(char c, const char *set)
{
	return c != '\0' && strchr(set, c) != NULL;
}

static bool
has_one_of(struct str s, const char *set)
{
	return str_find_any(s, set) < s.n;
}

static bool
has_text(struct str s, struct str text)
{
	for (; s.n >= text.n; s = str_from(s, 1))
		if (str_starts(s, text))
			return true;
	return false;
}

/* Whether an entry is worth a closer look: nearly all are not. */
static bool
is_odd(struct str entry)
{
	if (!str_starts(entry, STR("http")) || has_text(entry, STR("/.*.")))
		return true;
	for (size_t i = 0; i < entry.n; i++)
		switch (entry.p[i]) {
		case '"': case '\'': case '`': case ';': case '|': case '\\':
		case '^': case '$': case '(': case '~': case '{': case '+':
			return true;
		default:
			break;
		}
	return false;
}

static bool
is_expression(struct str entry)
{
	return has_one_of(entry, expression) ||
	    has_text(entry, STR("/.*.")) || entry.p[0] == '/';
}

/* ---- what was meant ----------------------------------------------------- */

/* The entry without the signs of an expression. */
static void
strip_expression(struct str entry, struct buf *out)
{
	for (size_t i = 0; i < entry.n; i++) {
		char next = i + 1 < entry.n ? entry.p[i + 1] : '\0';

		if (is_one_of(entry.p[i], "~^$\\") ||
		    (entry.p[i] == '.' && (next == '*' || next == '+')))
			continue;
		buf_char(out, entry.p[i] == '+' ? '*' : entry.p[i]);
	}
}

static void
strip_quotes(struct str entry, struct buf *out)
{
	for (size_t i = 0; i < entry.n; i++)
		if (!is_one_of(entry.p[i], quotes) &&
		    !(i == 0 && entry.p[i] == '[') &&
		    !(i + 1 == entry.n && is_one_of(entry.p[i], "];")))
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
hint_for(struct str entry, struct buf *hint)
{
	char text[FOREIGN_MAX + 8];
	struct buf meant = BUF(text);

	if (str_eq_fold(entry, STR("all")) || str_eq_fold(entry, STR("any"))) {
		buf_add(hint, STR("write * for every origin"));
	} else if (has_one_of(entry, quotes) || entry.p[0] == '[') {
		strip_quotes(entry, &meant);
		add_meant(hint, "there are no quotes and brackets here: ",
		    &meant, "write https://app.example.com, "
		    "https://b.example.com");
	} else if (has_one_of(entry, ";|") && !has_one_of(entry, "\\^$(")) {
		buf_add(hint, STR("separate origins by commas"));
	} else if (is_expression(entry)) {
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
conf_foreign_parse(struct str entry, struct origin *out, struct diag *d,
    struct place at)
{
	char text[FOREIGN_MAX + 128];
	struct buf hint = BUF(text);

	if (d == NULL || !is_odd(entry) || entry.n > FOREIGN_MAX ||
	    !hint_for(entry, &hint) ||
	    add_first(entry, buf_cstr(&hint), d, at) != 0)
		return origin_parse(entry, out, d, at);
	return -1;
}

int
conf_foreign_choice(struct str value)
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
