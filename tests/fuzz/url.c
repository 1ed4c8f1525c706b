/* url.c - fuzzes the URL of a request, and the numbers of a command line in the
 * lines after it. */
#include "config.h"

#include "browser/url.h"

#include "base/parse.h"
#include "core/origin.h"
#include "fuzz.h"
#include "naive.h"

enum { TEXT_MAX = 2048 };

static const struct place nowhere = {0, 1, 1};

/* The parts are the whole, and nothing stands in them that a browser would not
 * send. */
static void
check_parts(const struct url *u, struct arena *a)
{
	struct str rest = u->text;
	struct origin o;
	struct url again;

	HOLDS(naive_is_clean(u->text));
	HOLDS(str_starts(rest, u->origin));
	HOLDS(str_eq(str_from(rest, u->origin.n), u->target));
	HOLDS(str_starts(u->target, u->path) && u->path.p[0] == '/');
	HOLDS(str_eq(str_from(u->origin, u->scheme.n + 3), u->authority));
	HOLDS(str_starts(u->authority, u->host));
	HOLDS(origin_parse(u->origin, &o, NULL, nowhere) == 0);
	HOLDS(o.kind == ORIGIN_EXACT && str_eq(o.host, u->host));
	HOLDS(memchr(u->text.p, '#', u->text.n) == NULL);
	HOLDS(url_parse(u->text, &again, a, NULL, nowhere) == 0);
	HOLDS(str_eq(u->text, again.text));
}

static void
check_url(struct str text)
{
	struct arena a = {NULL};
	struct diag *d = diag_new();
	struct url u;
	bool good;

	HOLDS(d != NULL);
	(void)diag_file(d, "input");
	good = url_parse(text, &u, &a, d, nowhere) == 0;
	HOLDS(good == (diag_errors(d) == 0));
	if (good)
		check_parts(&u, &a);
	diag_free(d);
	arena_clear(&a);
}

/* What is taken for a number is printed again, but for leading zeros. */
static void
check_number(const char *text)
{
	char again[32];
	unsigned long value;
	unsigned mode;

	if (number_parse(text, 0, 100000, &value) == 0) {
		HOLDS(value <= 100000);
		snprintf(again, sizeof again, "%lu", value);
		HOLDS(strcmp(again, text + strspn(text, "0")) == 0 ||
		    value == 0);
		HOLDS(strspn(text, "0123456789") == strlen(text));
	}
	if (seconds_parse(text, 1, 86400, &value) == 0)
		HOLDS(value >= 1 && value <= 86400);
	if (mode_parse(text, &mode) == 0)
		HOLDS(mode <= 0777 && strspn(text, "01234567") ==
		    strlen(text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, line;
	char text[64];

	if (size > TEXT_MAX)
		return 0;
	check_url(fuzz_line(&rest));
	while (rest.n > 0) {
		line = fuzz_line(&rest);
		if (line.n >= sizeof text)
			continue;
		if (line.n > 0)
			memcpy(text, line.p, line.n);
		text[line.n] = '\0';
		check_number(text);
	}
	return 0;
}
