#include "config.h"

#include "answer_parse.h"

#include "fuzz.h"
#include "naive.h"

/* ---- values ------------------------------------------------------------ */

static bool
is_number(struct str v)
{
	for (size_t i = 0; i < v.n; i++)
		if (v.p[i] < '0' || v.p[i] > '9')
			return false;
	return v.n > 0 && v.n <= 5;
}

/* Tokens with ", " in between, or '*' first. */
static bool
is_list(struct str v)
{
	struct str rest = v, name;

	while (rest.n > 0) {
		name = rest;
		name.n = 0;
		while (name.n < rest.n && rest.p[name.n] != ',')
			name.n++;
		if (!naive_token(name))
			return false;
		rest = str_from(rest, name.n);
		if (rest.n > 0 && (rest.n < 3 || !str_starts(rest, STR(", "))))
			return false;
		rest = rest.n > 0 ? str_from(rest, 2) : rest;
	}
	return v.n > 0;
}

static bool
is_origin(struct str v)
{
	return v.n > 0 && naive_is_clean(v) && memchr(v.p, ',', v.n) == NULL;
}

static bool
is_true(struct str v)
{
	return str_eq(v, STR("true"));
}

static bool
is_text(struct str v)
{
	return v.n > 0 && naive_is_clean(v);
}

static const struct {
	const char *name;
	bool (*good)(struct str value);
} grammar[] = {
	{"Access-Control-Allow-Origin", is_origin},
	{"Access-Control-Allow-Credentials", is_true},
	{"Access-Control-Allow-Methods", is_list},
	{"Access-Control-Allow-Headers", is_list},
	{"Access-Control-Expose-Headers", is_list},
	{"Access-Control-Max-Age", is_number},
	{"Allow", is_list},
	{"Vary", is_list},
	{"Content-Length", is_number},
	{"Content-Type", is_text},
	{"Preflight-Reason", is_text},
};

/* ---- the whole --------------------------------------------------------- */

static struct str
line_off(struct str *rest)
{
	struct str line = {rest->p, 0};

	while (line.n + 1 < rest->n && !(rest->p[line.n] == '\r' &&
	    rest->p[line.n + 1] == '\n'))
		line.n++;
	HOLDS(line.n + 1 < rest->n);
	*rest = str_from(*rest, line.n + 2);
	HOLDS(naive_is_clean(line));
	return line;
}

static void
field_add(struct answer *a, struct str line, struct str prefix)
{
	struct answer_field f;
	size_t i = 0, known = sizeof grammar / sizeof *grammar;

	HOLDS(str_starts(line, prefix));
	f.name = str_from(line, prefix.n);
	f.name.n = str_find_any(f.name, ":");
	f.value = str_from(line, prefix.n + f.name.n);
	HOLDS(str_starts(f.value, STR(": ")));
	f.value = str_from(f.value, 2);
	while (i < known && !str_eq(f.name, str_of(grammar[i].name)))
		i++;
	HOLDS(i < known && grammar[i].good(f.value));
	HOLDS(answer_field(a, grammar[i].name).p == NULL);
	HOLDS(a->n < ANSWER_FIELDS_MAX);
	a->fields[a->n++] = f;
}

struct str
answer_field(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->n; i++)
		if (str_eq(a->fields[i].name, str_of(name)))
			return a->fields[i].value;
	return (struct str){NULL, 0};
}

void
answer_parse(struct str text, struct str prefix, struct answer *out)
{
	struct str line = line_off(&text), origin, length;

	out->n = 0;
	HOLDS(str_starts(line, STR("Status: ")) && line.n > 12);
	for (size_t i = 8; i < 11; i++)
		HOLDS(line.p[i] >= '0' && line.p[i] <= '9');
	HOLDS(line.p[11] == ' ');
	out->status = atoi(line.p + 8);
	while ((line = line_off(&text)).n > 0)
		field_add(out, line, prefix);
	out->body = text;
	origin = answer_field(out, "Access-Control-Allow-Origin");
	if (str_eq(origin, STR("*")))
		HOLDS(answer_field(out,
		    "Access-Control-Allow-Credentials").p == NULL);
	if (origin.p == NULL)
		for (size_t i = 0; i < out->n; i++)
			HOLDS(!str_starts(out->fields[i].name,
			    STR("Access-Control-")));
	length = answer_field(out, "Content-Length");
	if (length.p != NULL && out->body.n > 0)
		HOLDS((size_t)atoi(length.p) == out->body.n);
}
