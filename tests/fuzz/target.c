/* target.c - fuzzes a Host, a request target and, in the lines after them, path
 * prefixes and hosts of a policy. */
#include "config.h"

#include "target.h"

#include "fuzz.h"
#include "naive.h"

enum { TEXT_MAX = 3000 };

static const struct place nowhere = {0, 1, 1};

static void
check_host(struct str raw)
{
	char got[TARGET_HOST_MAX], wanted[NAIVE_HOST_BYTES];
	char again[TARGET_HOST_MAX];
	size_t n = 0, m = 0, k = 0;
	enum host_verdict verdict = host_normalize(raw, got, &n);
	struct str host = {got, n};

	HOLDS(host_is_malformed(raw) == !naive_is_clean(raw));
	switch (naive_host_read(raw, wanted, &m)) {
	case NAIVE_HOST:
		HOLDS(verdict == HOST_GOOD);
		HOLDS(str_eq(host, (struct str){wanted, m}));
		HOLDS(host_normalize(host, again, &k) == HOST_GOOD);
		HOLDS(str_eq(host, (struct str){again, k}));
		break;
	case NAIVE_NO_HOST:
		HOLDS(verdict == HOST_NONE);
		break;
	case NAIVE_MALFORMED:
		HOLDS(verdict == HOST_MALFORMED);
		break;
	}
}

/* ---- paths ------------------------------------------------------------- */

/* The text is that of the segments, as far as there was room for them. */
static void
check_segments(const struct path *p, const struct naive_path *wanted)
{
	struct str rest = p->text;
	size_t i = 0;

	HOLDS(p->beyond <= wanted->n);
	for (; i < wanted->n - p->beyond; i++) {
		struct str segment = wanted->segments[i];
		HOLDS(rest.n > segment.n && rest.p[0] == '/');
		HOLDS(str_starts(str_from(rest, 1), segment));
		rest = str_from(rest, 1 + segment.n);
	}
	HOLDS(rest.n == 0);
}

static void
check_path(struct str raw, struct str prefix)
{
	static struct naive_path wanted;
	struct path p;

	for (int cut = 0; cut < 2; cut++) {
		bool good = path_normalize(raw, STR(""),
		    cut ? PATH_PLAIN : PATH_LITERAL, &p);

		HOLDS(good == naive_path_read(raw, cut, &wanted));
		if (!good)
			continue;
		check_segments(&p, &wanted);
		if (prefix.n > 0)
			HOLDS(path_has_prefix(&p, prefix) ==
			    naive_path_under(&wanted, prefix));
	}
}

/* A path in two parts is that of both, unless they cut an escape in two. */
static void
check_parts(struct str raw)
{
	struct path whole, parts;
	struct str front = raw;
	bool good;

	front.n = raw.n / 2;
	if ((front.n > 0 && front.p[front.n - 1] == '%') ||
	    (front.n > 1 && front.p[front.n - 2] == '%'))
		return;
	good = path_normalize(raw, STR(""), PATH_LITERAL, &whole);
	HOLDS(good == path_normalize(front, str_from(raw, front.n),
	    PATH_LITERAL, &parts));
	if (good && parts.beyond == 0)
		HOLDS(whole.plain || str_eq(whole.text, parts.text));
}

static void
check_target(struct str raw, struct str prefix)
{
	struct target t;

	target_split(raw, &t);
	HOLDS(memchr(t.path.p, '?', t.path.n) == NULL || t.path.n == 0);
	HOLDS(t.absolute || t.authority.n == 0);
	if (!t.absolute && !str_eq(raw, STR("*")))
		HOLDS(str_starts(raw, t.path) && (t.path.n == raw.n ||
		    raw.p[t.path.n] == '?'));
	check_path(t.path, prefix);
	check_parts(t.path);
	if (t.absolute)
		check_host(t.authority);
}

/* What a policy may say is what requests are compared with. */
static void
check_spelling(struct str target, struct str line)
{
	struct str out;
	char host[TARGET_HOST_MAX];
	size_t n;
	struct path p;

	if (path_check(line, &out, NULL, nowhere) == 0) {
		HOLDS(path_normalize(out, STR(""), PATH_LITERAL, &p));
		HOLDS(out.n == 1 || str_eq(p.text, out));
		HOLDS(p.beyond == 0 && path_has_prefix(&p, out));
		check_target(target, out);
	}
	if (host_check(line, &out, NULL, nowhere) == 0 &&
	    memchr(out.p, '*', out.n) == NULL) {
		HOLDS(host_normalize(out, host, &n) == HOST_GOOD);
		HOLDS(str_eq(out, (struct str){host, n}));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size}, target;

	if (size > TEXT_MAX)
		return 0;
	check_host(fuzz_line(&rest));
	target = fuzz_line(&rest);
	check_target(target, STR(""));
	while (rest.n > 0)
		check_spelling(target, fuzz_line(&rest));
	return 0;
}
