/* origin.c - fuzzes an Origin, the lines after it as entries of allow-origins,
 * and the set that is made of these. */
#include "config.h"

#include "core/origin_set.h"
#include "fuzz.h"
#include "naive.h"

enum { ENTRIES_MAX = 32, TEXT_MAX = 2048, PATTERNS_NEAR = 4 };

static const struct place nowhere = {0, 1, 1};

/* The entry as its parts have it. */
static void
print(const struct origin *o, struct buf *out)
{
	buf_add(out, o->scheme);
	buf_add(out, STR("://"));
	if (o->subdomains)
		buf_add(out, STR("*."));
	buf_add(out, o->host);
	if (o->port == ORIGIN_PORT_ANY)
		buf_add(out, STR(":*"));
	if (o->port > 0) {
		buf_char(out, ':');
		buf_uint(out, (unsigned long)o->port);
	}
}

static void
check_exact(const struct origin *o)
{
	char text[TEXT_MAX + 64];
	struct buf canonical = BUF(text);
	struct origin split;

	HOLDS(origin_split(o->text, &split));
	HOLDS(str_eq(split.scheme, o->scheme) && str_eq(split.host, o->host));
	HOLDS(split.port == o->port);
	HOLDS(origin_canonical(o->text, &canonical));
	HOLDS(str_eq(buf_str(&canonical), o->text));
	HOLDS(naive_is_clean(o->text));
	HOLDS(memchr(o->text.p, ',', o->text.n) == NULL);
}

/* Printing what was parsed gives the text again. */
static bool
check_entry(struct str text, struct origin *o)
{
	char again[TEXT_MAX + 64];
	struct buf printed = BUF(again);
	struct diag *d = diag_new();
	bool good;

	HOLDS(d != NULL);
	(void)diag_file(d, "input");
	good = origin_parse(text, o, d, nowhere) == 0;
	HOLDS(good == (diag_errors(d) == 0));
	diag_free(d);
	if (!good)
		return false;
	HOLDS(str_eq(o->text, text));
	if (o->kind == ORIGIN_EXACT || o->kind == ORIGIN_PATTERN) {
		print(o, &printed);
		HOLDS(str_eq(buf_str(&printed), text));
	}
	if (o->kind == ORIGIN_EXACT)
		check_exact(o);
	return true;
}

/* What is said to be the right spelling has no bytes of a kind that the text
 * had not, and where it is an origin it stays as it is. */
static void
check_canonical(struct str text)
{
	char once[2 * TEXT_MAX], twice[2 * TEXT_MAX];
	struct buf first = BUF(once), second = BUF(twice);
	struct origin o;

	if (!origin_canonical(text, &first))
		return;
	HOLDS(!naive_is_clean(text) || naive_is_clean(buf_str(&first)));
	if (origin_parse(buf_str(&first), &o, NULL, nowhere) != 0)
		return;
	HOLDS(origin_canonical(buf_str(&first), &second));
	HOLDS(str_eq(buf_str(&first), buf_str(&second)));
}

/* ---- the set ----------------------------------------------------------- */

struct entries {
	struct origin_set *set;
	struct str texts[ENTRIES_MAX];
	size_t n;
};

static bool
naive_allows(const struct entries *e, struct str origin)
{
	bool allowed = false;

	for (size_t i = 0; i < e->n; i++)
		allowed = naive_entry_allows(e->texts[i], origin) || allowed;
	return allowed;
}

static void
check_origin(const struct entries *e, struct str origin)
{
	struct origin_entry by;
	bool allowed = origin_set_match(e->set, origin, &by);

	HOLDS(allowed == naive_allows(e, origin));
	if (allowed)
		HOLDS(naive_entry_allows(by.text, origin));
	if (allowed && !origin_set_any(e->set))
		HOLDS(naive_is_clean(origin) && origin.n <= TEXT_MAX);
	if (!allowed)
		(void)origin_set_nearest(e->set, origin, &by);
}

/* The pattern with something in place of its stars: what it allows, and what is
 * next to that. */
static void
check_near(const struct entries *e, struct str pattern)
{
	static const char *const labels[] = {"a.", "a.b.", "a", "", ".", "a..",
	    "-a.", "a-.", "A.", "*.", "_."};
	static const char *const ports[] = {"", ":1", ":80", ":443", ":8443",
	    ":0", ":65535", ":65536", ":01", ":", ":a"};
	const size_t n = sizeof labels / sizeof *labels;
	struct str front = pattern, tail;
	bool subdomains, any_port = str_ends(pattern, STR(":*"));
	char text[TEXT_MAX + 64];

	front.n = (size_t)((char *)memchr(pattern.p, '*', pattern.n) -
	    pattern.p);
	subdomains = str_starts(str_from(pattern, front.n), STR("*."));
	front.n -= subdomains ? 0 : 1;
	tail = str_from(pattern, front.n + (subdomains ? 2 : 0));
	tail.n -= any_port ? 2 : 0;
	for (size_t i = 0; i < (subdomains ? n : 1); i++)
		for (size_t j = 0; j < (any_port ? n : 1); j++) {
			struct buf b = BUF(text);

			buf_add(&b, front);
			buf_add(&b, str_of(subdomains ? labels[i] : ""));
			buf_add(&b, tail);
			buf_add(&b, str_of(any_port ? ports[j] : ""));
			check_origin(e, buf_str(&b));
		}
}

/* What is covered is allowed by what covers it. */
static void
check_covered(const struct entries *e, struct str text)
{
	struct origin_entry by;
	struct origin o;

	if (origin_parse(text, &o, NULL, nowhere) != 0 ||
	    o.kind != ORIGIN_EXACT)
		return;
	if (origin_set_covered(e->set, text, &by))
		HOLDS(naive_entry_allows(by.text, text));
}

static void
add(struct entries *e, const struct origin *o)
{
	struct place earlier;
	bool known = false;

	for (size_t i = 0; i < e->n; i++)
		known = known || str_eq(e->texts[i], o->text);
	HOLDS(origin_set_add(e->set, o, nowhere, &earlier) ==
	    (known ? ORIGIN_DUPLICATE : ORIGIN_ADDED));
	if (!known)
		e->texts[e->n++] = o->text;
}

static void
check_set(struct entries *e, struct str origin)
{
	size_t before[2] = {origin_set_exact(e->set),
	    origin_set_patterns(e->set)};

	check_origin(e, origin);
	for (size_t i = 0; i < e->n; i++) {
		check_covered(e, e->texts[i]);
		if (memchr(e->texts[i].p, '*', e->texts[i].n) == NULL)
			check_origin(e, e->texts[i]);
		else if (e->texts[i].n > 1 && i < PATTERNS_NEAR)
			check_near(e, e->texts[i]);
	}
	HOLDS(origin_set_seal(e->set) == 0);
	check_origin(e, origin);
	HOLDS(before[0] == origin_set_exact(e->set));
	HOLDS(before[1] == origin_set_patterns(e->set));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, origin, line;
	struct entries e = {.set = origin_set_new()};
	struct origin o;

	HOLDS(e.set != NULL);
	origin = fuzz_line(&rest);
	while (size <= TEXT_MAX && rest.n > 0 && e.n < ENTRIES_MAX) {
		line = fuzz_line(&rest);
		check_canonical(line);
		if (check_entry(line, &o))
			add(&e, &o);
	}
	if (size <= TEXT_MAX)
		check_set(&e, origin);
	origin_set_free(e.set);
	return 0;
}
