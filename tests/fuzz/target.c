/* target.c - fuzzes a Host, a request target and, in the lines after them, path
 * prefixes and hosts of a policy. */
#include "config.h"

#include "core/target.h"

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

enum { READINGS_MAX = PATH_STATES_MAX };

struct found {
	struct {
		char text[TEXT_MAX];
		size_t n;
	} items[READINGS_MAX];
	size_t count, stop;
};

static bool
take(void *ctx, struct str reading)
{
	struct found *f = ctx;

	HOLDS(f->count < READINGS_MAX && reading.n <= TEXT_MAX);
	memcpy(f->items[f->count].text, reading.p, reading.n);
	f->items[f->count++].n = reading.n;
	return f->count != f->stop;
}

static bool
has(const struct found *f, struct str reading)
{
	for (size_t i = 0; i < f->count; i++)
		if (str_eq(reading, (struct str){f->items[i].text,
		        f->items[i].n}))
			return true;
	return false;
}

/* The readings are those of the naive way, and each is under the prefix where
 * it is there. */
static void
check_path(struct str raw, bool decoded, struct str prefix)
{
	static struct found f;
	struct str front = raw, reading;
	bool all, good;
	size_t count = naive_readings(raw, decoded, &all), wanted = 0;

	f.count = f.stop = 0;
	front.n = raw.n / 2;
	good = path_readings(front, str_from(raw, front.n), decoded, take, &f);
	if (!good) {
		HOLDS(count == 0 || !all || count > PATH_STATES_MAX ||
		    count * raw.n > PATH_SPACE / 2);
		return;
	}
	/* The naive way keeps texts that add nothing, and may give up first. */
	if (!all)
		return;
	for (size_t i = 0; i < count; i++)
		if (naive_reading(i, &reading)) {
			HOLDS(has(&f, reading));
			HOLDS(path_under(reading, prefix) ==
			    naive_path_under(reading, prefix));
			wanted++;
		}
	HOLDS(count > 0 && wanted >= f.count);
	for (size_t i = 0; i < f.count; i++) {
		bool known = false;

		for (size_t k = 0; k < count && !known; k++)
			known = naive_reading(k, &reading) &&
			    str_eq(reading, (struct str){f.items[i].text,
			        f.items[i].n});
		HOLDS(known);
	}
	/* In one part it is the same, and it ends when it is told to. */
	wanted = f.count;
	f.count = 0;
	HOLDS(path_readings(raw, STR(""), decoded, take, &f));
	HOLDS(f.count == wanted);
	f.count = 0;
	f.stop = 1;
	HOLDS(!path_readings(raw, STR(""), decoded, take, &f) && f.count == 1);
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
	check_path(t.path, false, prefix);
	check_path(t.path, true, prefix);
	if (t.absolute)
		check_host(t.authority);
}

/* A host that policies are warned of, as no request can have it. */
static bool
has_outer_hyphen(struct str host)
{
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] == '-' && (i == 0 || i + 1 == host.n ||
		    host.p[i - 1] == '.' || host.p[i + 1] == '.'))
			return true;
	return false;
}

/* What a policy may say is what requests are compared with. */
static void
check_spelling(struct str target, struct str line)
{
	static struct found f;
	struct str out, plain;
	char host[TARGET_HOST_MAX], space[TARGET_PATH_MAX];
	size_t n;

	if (path_check(line, &out, NULL, nowhere) == 0) {
		HOLDS(path_plain(out, space, sizeof space, &plain));
		HOLDS(str_eq(plain, out) && path_under(plain, out));
		f.count = f.stop = 0;
		HOLDS(path_readings(out, STR(""), false, take, &f));
		HOLDS(f.count == 1 && has(&f, out));
		check_target(target, out);
	}
	if (host_check(line, &out, NULL, nowhere) == 0 &&
	    memchr(out.p, '*', out.n) == NULL && !has_outer_hyphen(out)) {
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
