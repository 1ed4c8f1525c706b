/* print.c - the changes from one policy file to another as lines for a
 * review, and as JSON. */
#include "config.h"

#include "diff/diff.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/color.h"
#include "base/escape.h"

/* Lines of one kind and subject of a policy that are printed without --all. */
enum { LINES_SHOWN = 20 };

/* Room for the longest note, with two names cut to what a message shows. */
enum { NOTE_MAX = 2 * sizeof(struct shown) + 100 };

static const char *const kinds[] = {
	[DIFF_GRANTED] = "granted",
	[DIFF_TAKEN] = "taken",
	[DIFF_CHANGED] = "changed",
	[DIFF_MOVED] = "moved",
};

static const struct {
	const char *json, *text;
} subjects[] = {
	[DIFF_POLICY] = {"policy", ""},
	[DIFF_HOST] = {"host", "host"},
	[DIFF_PATH] = {"path", "path"},
	[DIFF_ORIGIN] = {"origin", "origin"},
	[DIFF_METHOD] = {"method", "method"},
	[DIFF_HEADER] = {"header", "header"},
	[DIFF_EXPOSE] = {"expose", "exposed header"},
	[DIFF_CREDENTIALS] = {"credentials", "credentials"},
	[DIFF_MAX_AGE] = {"max-age", "max-age"},
	[DIFF_STATUS] = {"status", ""},
	[DIFF_DEBUG] = {"debug", "debug"},
};

/* A host or path that another policy serves now, and not one that its policy
 * lists. */
static bool
is_handover(const struct diff_change *c)
{
	return c->kind == DIFF_MOVED && c->subject == DIFF_PATH;
}

/* ---- notes ------------------------------------------------------------- */

/* What there is to add to a change; "" for most. */
static const char *
note(const struct diff_change *c, char text[NOTE_MAX])
{
	struct buf b = {text, 0, NOTE_MAX, false};

	switch (c->why) {
	case DIFF_RENAMED:
		buf_add(&b, STR("its name was "));
		buf_add(&b, c->from);
		buf_add(&b, STR(", which CORS_POLICY may still say"));
		break;
	case DIFF_COVERED:
		buf_add(&b, STR("stays allowed, "));
		buf_escaped(&b, c->to, SHOWN_MAX);
		buf_add(&b, STR(" covers it"));
		break;
	case DIFF_LISTED:
		buf_add(&b, STR("stays allowed, "));
		buf_escaped(&b, c->from, SHOWN_MAX);
		buf_add(&b, STR(" covered it"));
		break;
	case DIFF_SAFELISTED:
		buf_add(&b, STR("allowed in any case, now "));
		buf_add(&b, c->to);
		break;
	case DIFF_SAME_POLICY:
		buf_add(&b, c->kind == DIFF_GRANTED ?
		    STR("the policy served it before") :
		    STR("the policy still serves it"));
		break;
	case DIFF_UNSERVED:
		buf_add(&b, STR("no policy serves it now"));
		break;
	case DIFF_PARTLY_UNSERVED:
		buf_add(&b, STR("no policy serves some of it now"));
		break;
	case DIFF_LOOK:
		buf_add(&b, STR("needs attention: "));
		if (c->subject == DIFF_CREDENTIALS)
			buf_add(&b, STR("its pages can now act as the user "
			    "who is logged in"));
		else if (str_eq(c->value, STR("*")))
			buf_add(&b, STR("every origin"));
		else
			buf_add(&b, STR("every sandboxed frame, of any site"));
		break;
	case DIFF_PLAIN:
		break;
	}
	return buf_cstr(&b);
}

/* ---- as text ----------------------------------------------------------- */

static char
sign(const struct diff_change *c)
{
	switch (c->kind) {
	case DIFF_GRANTED:
		return '+';
	case DIFF_TAKEN:
		return '-';
	case DIFF_CHANGED:
		return c->why == DIFF_SAFELISTED ? '=' : '~';
	case DIFF_MOVED:
	default:
		return is_handover(c) ? '~' : '=';
	}
}

static void
print_sign(char c, FILE *to)
{
	bool colour = color_wanted(to) && (c == '+' || c == '-');

	fprintf(to, "%s%c%s ", color(colour, c == '+' ? COLOR_GOOD : COLOR_BAD),
	    c, color(colour, COLOR_OFF));
}

static void
print_scope(const struct diff_change *c, FILE *to)
{
	print_sign(sign(c), to);
	if (c->where.n > 0) {
		escape_print(to, c->where);
		if (c->more > 0)
			fprintf(to, " and %zu more", c->more);
	} else if (c->policy.n > 0) {
		fprintf(to, "policy %.*s", STR_ARG(c->policy));
	} else {
		fputs("[defaults]", to);
	}
}

static void
print_value(struct str value, FILE *to)
{
	if (value.p != NULL)
		escape_print(to, value);
	else
		fputs("not sent", to);
}

/* What the change is about, behind the policy. */
static void
print_subject(const struct diff_change *c, FILE *to)
{
	if (c->subject == DIFF_POLICY)
		return;
	fprintf(to, ": %s", subjects[c->subject].text);
	if (c->subject == DIFF_CREDENTIALS || c->subject == DIFF_DEBUG)
		return;
	if (c->subject != DIFF_STATUS)
		putc(' ', to);
	if (c->value.p != NULL)
		escape_print(to, c->value);
	if (c->subject != DIFF_STATUS && c->subject != DIFF_MAX_AGE)
		return;
	if (c->subject == DIFF_STATUS)
		putc(' ', to);
	print_value(c->from, to);
	fputs(" -> ", to);
	print_value(c->to, to);
}

static void
print_places(const struct diff_report *r, const struct diff_change *c,
    FILE *to)
{
	const struct place b = c->before, a = c->after;

	if (b.line == 0 && a.line == 0)
		return;
	fputs(" (", to);
	if (b.line > 0)
		fprintf(to, "%s:%u%s", policy_set_file_name(r->before, b.file),
		    b.line, a.line > 0 ? ", " : "");
	if (a.line > 0)
		fprintf(to, "%s:%u", policy_set_file_name(r->after, a.file),
		    a.line);
	putc(')', to);
}

static void
print_change(const struct diff_report *r, const struct diff_change *c,
    FILE *to)
{
	char space[NOTE_MAX];
	const char *text = note(c, space);

	if (is_handover(c)) {
		print_sign('~', to);
		escape_print(to, c->value);
		fprintf(to, ": policy %.*s -> policy %.*s", STR_ARG(c->from),
		    STR_ARG(c->to));
	} else {
		print_scope(c, to);
		print_subject(c, to);
	}
	print_places(r, c, to);
	if (text[0] != '\0')
		fprintf(to, ": %s", text);
	putc('\n', to);
}

/* Prints a run of changes that begins at c: they differ in their value alone.
 * Returns how many there are. */
static size_t
print_run(const struct diff_report *r, const struct diff_change *c,
    size_t left, FILE *to)
{
	size_t n = 1, shown;

	while (n < left && c->kind == c[n].kind &&
	    c->subject == c[n].subject && str_eq(c->policy, c[n].policy) &&
	    str_eq(c->where, c[n].where))
		n++;
	/* One line that says so would take the place of one change. */
	shown = r->all || n <= LINES_SHOWN + 1 ? n : LINES_SHOWN;
	for (size_t i = 0; i < shown; i++)
		print_change(r, &c[i], to);
	if (shown < n) {
		print_scope(c, to);
		fprintf(to, ": %zu more %ss, printed with --all\n", n - shown,
		    subjects[c->subject].text);
	}
	return n;
}

static void
print_sum(const struct diff *d, FILE *to)
{
	size_t counts[sizeof(kinds) / sizeof(kinds[0])] = {0}, looks = 0;

	for (size_t i = 0; i < d->count; i++) {
		counts[d->changes[i].kind]++;
		looks += d->changes[i].why == DIFF_LOOK;
	}
	fprintf(to, "%zu granted, %zu taken away, %zu changed, %zu moved",
	    counts[DIFF_GRANTED], counts[DIFF_TAKEN], counts[DIFF_CHANGED],
	    counts[DIFF_MOVED]);
	if (looks > 0)
		fprintf(to, "; %zu %s attention", looks,
		    looks == 1 ? "needs" : "need");
	putc('\n', to);
}

void
diff_print_text(const struct diff_report *r, FILE *to)
{
	const struct diff *d = r->diff;

	if (d->count == 0) {
		fputs("same: ", to);
		escape_controls(to, str_of(r->before_path));
		fputs(" and ", to);
		escape_controls(to, str_of(r->after_path));
		fputs(" mean the same\n", to);
		return;
	}
	for (size_t i = 0; i < d->count;)
		i += print_run(r, &d->changes[i], d->count - i, to);
	print_sum(d, to);
}

/* ---- as JSON ----------------------------------------------------------- */

/* A string; text that is no UTF-8 is escaped, and no text is null.  Returns 0,
 * or -1 without memory. */
static int
print_text(struct str s, FILE *to)
{
	json_t *value = s.p != NULL ? json_text(s) : json_null();
	int ret = json_print(value, to, JSON_ENCODE_ANY);

	json_decref(value);
	return ret;
}

static int
json_member(const char *name, struct str value, FILE *to)
{
	fprintf(to, ", \"%s\": ", name);
	return print_text(value, to);
}

/* What only some changes have. */
static int
json_extras(const struct diff_report *r, const struct diff_change *c, FILE *to)
{
	const struct place b = c->before;
	char space[NOTE_MAX];
	const char *text = note(c, space);

	if (b.line > 0 && c->after.line > 0) {
		if (json_member("old_file", str_of(policy_set_file_name(
		        r->before, b.file)), to) != 0)
			return -1;
		fprintf(to, ", \"old_line\": %u", b.line);
	}
	if (c->where.n > 0) {
		if (json_member("where", c->where, to) != 0)
			return -1;
		fprintf(to, ", \"more\": %zu", c->more);
	}
	if (text[0] != '\0' && json_member("note", str_of(text), to) != 0)
		return -1;
	if (c->why == DIFF_LOOK)
		fputs(", \"look\": true", to);
	return 0;
}

static int
json_change(const struct diff_report *r, const struct diff_change *c, FILE *to)
{
	const struct str none = {NULL, 0};
	bool old = c->after.line == 0;
	struct place at = old ? c->before : c->after;
	struct str file = str_of(policy_set_file_name(old ? r->before :
	    r->after, at.file));

	fprintf(to, "{\"change\": \"%s\"", kinds[c->kind]);
	if (json_member("policy", c->policy, to) != 0 ||
	    json_member("subject", str_of(subjects[c->subject].json),
	        to) != 0 ||
	    json_member("value", c->value.p != NULL ? c->value : c->to,
	        to) != 0 ||
	    json_member("from", c->from, to) != 0 ||
	    json_member("to", c->to, to) != 0 ||
	    json_member("file", at.line > 0 ? file : none, to) != 0)
		return -1;
	if (at.line > 0)
		fprintf(to, ", \"line\": %u", at.line);
	else
		fputs(", \"line\": null", to);
	if (json_extras(r, c, to) != 0)
		return -1;
	putc('}', to);
	return 0;
}

static int
json_side(const char *name, const char *path, const struct policy_set *s,
    FILE *to)
{
	fprintf(to, "  \"%s\": {\"file\": ", name);
	if (print_text(str_of(path), to) != 0 ||
	    json_member("digest", str_of(policy_set_digest(s)), to) != 0)
		return -1;
	fputs("},\n", to);
	return 0;
}

/* A tree of all changes would take more memory and time than the comparison:
 * they are printed as they come. */
int
diff_print_json(const struct diff_report *r, FILE *to)
{
	const struct diff *d = r->diff;

	fprintf(to, "{\n  \"same\": %s,\n", d->count == 0 ? "true" : "false");
	if (json_side("old", r->before_path, r->before, to) != 0 ||
	    json_side("new", r->after_path, r->after, to) != 0)
		return -1;
	fputs("  \"changes\": [", to);
	for (size_t i = 0; i < d->count; i++) {
		fputs(i > 0 ? ",\n    " : "\n    ", to);
		if (json_change(r, &d->changes[i], to) != 0)
			return -1;
	}
	fputs(d->count > 0 ? "\n  ]\n}\n" : "]\n}\n", to);
	return 0;
}
