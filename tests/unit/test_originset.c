#include "config.h"

#include "core/origin_set.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

static void
add(struct origin_set *s, const char *text)
{
	static unsigned line;
	struct place earlier;
	struct origin o;

	cr_assert(origin_parse(str_of(text), &o, NULL,
	    (struct place){0, 0, 0}) == 0, "%s", text);
	cr_assert(origin_set_add(s, &o, (struct place){0, ++line, 1},
	    &earlier) == ORIGIN_ADDED, "%s", text);
}

static struct origin_set *
set_of(const char *const *texts)
{
	struct origin_set *s = origin_set_new();

	for (; *texts != NULL; texts++)
		add(s, *texts);
	return s;
}

static const char *const typical[] = {
	"https://app.example.com", "https://app.example.com:8443",
	"http://localhost:5173", "http://[::1]:9090", "null",
	"https://*.wild.example", "http://*.ports.example:*",
	"http://any.example:*", "http://[::2]:*", "https://*.b.example:8443",
	NULL,
};

static const struct {
	const char *about, *origin;
	const char *by; /* the entry that allows it, or NULL */
} matches[] = {
	{"exact", "https://app.example.com", "https://app.example.com"},
	{"exact port", "https://app.example.com:8443",
	    "https://app.example.com:8443"},
	{"exact IPv6", "http://[::1]:9090", "http://[::1]:9090"},
	{"null", "null", "null"},
	{"other port", "https://app.example.com:8444", NULL},
	{"other scheme", "http://app.example.com", NULL},
	{"default port written", "https://app.example.com:443", NULL},
	{"upper case", "https://App.example.com", NULL},
	{"upper-case scheme", "HTTPS://app.example.com", NULL},
	{"upper-case null", "NULL", NULL},
	{"trailing dot", "https://app.example.com.", NULL},
	{"trailing slash", "https://app.example.com/", NULL},
	{"suffix attack", "https://app.example.com.evil.com", NULL},
	{"prefix attack", "https://evilapp.example.com", NULL},
	{"userinfo attack", "https://app.example.com@evil.com", NULL},
	{"subdomain of an exact one", "https://x.app.example.com", NULL},
	{"parent of an exact one", "https://example.com", NULL},
	{"leading space", " https://app.example.com", NULL},
	{"trailing space", "https://app.example.com ", NULL},
	{"prefix", "https://app.example.co", NULL},
	{"longer", "https://app.example.com:84433", NULL},
	{"one label", "https://a.wild.example", "https://*.wild.example"},
	{"two labels", "https://a.b.wild.example", "https://*.wild.example"},
	{"label of all bytes", "https://a-0_z.wild.example",
	    "https://*.wild.example"},
	{"bare domain", "https://wild.example", NULL},
	{"glued to the domain", "https://awild.example", NULL},
	{"empty label", "https://.wild.example", NULL},
	{"empty label inside", "https://a..wild.example", NULL},
	{"label starts with hyphen", "https://-a.wild.example", NULL},
	{"label ends with hyphen", "https://a-.wild.example", NULL},
	{"label with another byte", "https://a!.wild.example", NULL},
	{"label in upper case", "https://A.wild.example", NULL},
	{"label with a slash", "https://evil.com/.wild.example", NULL},
	{"label with an at", "https://evil.com@a.wild.example", NULL},
	{"label with a star", "https://*.wild.example", NULL},
	{"pattern and port", "https://a.wild.example:8443", NULL},
	{"pattern and default port", "https://a.wild.example:443", NULL},
	{"pattern and other scheme", "http://a.wild.example", NULL},
	{"pattern as a suffix", "https://a.wild.example.evil.com", NULL},
	{"pattern, trailing dot", "https://a.wild.example.", NULL},
	{"any port, none", "http://any.example", "http://any.example:*"},
	{"any port, one", "http://any.example:1", "http://any.example:*"},
	{"any port, highest", "http://any.example:65535",
	    "http://any.example:*"},
	{"any port, over", "http://any.example:65536", NULL},
	{"any port, zero", "http://any.example:0", NULL},
	{"any port, empty", "http://any.example:", NULL},
	{"any port, default written", "http://any.example:80", NULL},
	{"any port, leading zero", "http://any.example:081", NULL},
	{"any port, letters", "http://any.example:8a", NULL},
	{"any port, subdomain", "http://x.any.example", NULL},
	{"any port, IPv6", "http://[::2]:17", "http://[::2]:*"},
	{"any port, other IPv6", "http://[::3]:17", NULL},
	{"subdomain and any port", "http://a.ports.example:17",
	    "http://*.ports.example:*"},
	{"subdomain and no port", "http://a.ports.example",
	    "http://*.ports.example:*"},
	{"bare domain and any port", "http://ports.example:17", NULL},
	{"subdomain and one port", "https://a.b.example:8443",
	    "https://*.b.example:8443"},
	{"subdomain and other port", "https://a.b.example:8442", NULL},
	{"subdomain and no port where one is asked", "https://a.b.example",
	    NULL},
	{"empty", "", NULL},
	{"scheme only", "https://", NULL},
};

Test(originset, matches)
{
	struct origin_set *s = set_of(typical);

	for (size_t i = 0; i < COUNT(matches); i++) {
		struct origin_entry e;
		bool ok = origin_set_match(s, str_of(matches[i].origin), &e);
		cr_expect(ok == (matches[i].by != NULL), "%s: %s",
		    matches[i].about, matches[i].origin);
		if (ok && matches[i].by != NULL)
			cr_expect(str_eq(e.text, str_of(matches[i].by)),
			    "%s: by %.*s", matches[i].about, STR_ARG(e.text));
	}
	cr_expect(origin_set_exact(s) == 5);
	cr_expect(origin_set_patterns(s) == 5);
	origin_set_free(s);
}

Test(originset, bytes_that_end_c_strings)
{
	struct origin_set *s = set_of(typical);

	cr_expect(!origin_set_match(s, RAW("https://app.example.com\0"), NULL));
	cr_expect(!origin_set_match(s, RAW("https://a\0.wild.example"), NULL));
	cr_expect(!origin_set_match(s,
	    RAW("https://evil.com\0.wild.example"), NULL));
	origin_set_free(s);
}

Test(originset, long_labels_and_hosts)
{
	struct origin_set *s = set_of(typical);
	char text[70000];
	int n;

	n = snprintf(text, sizeof text, "https://%063d.wild.example", 1);
	cr_expect(origin_set_match(s, (struct str){text, (size_t)n}, NULL));
	n = snprintf(text, sizeof text, "https://%064d.wild.example", 1);
	cr_expect(!origin_set_match(s, (struct str){text, (size_t)n}, NULL));
	for (size_t host = 250; host < 258; host++) {
		memcpy(text, "https://", 8);
		for (size_t i = 0; i < host; i++)
			text[8 + i] = i % 2 ? '.' : 'a';
		memcpy(text + 8 + host - 13, "a.wild.example", 14);
		if (text[8 + host - 14] != '.')
			text[8 + host - 13] = '.', text[8 + host - 12] = 'w';
		memcpy(text + 8 + host - 13, ".wild.example", 13);
		text[8 + host - 14] = 'a';
		cr_expect(origin_set_match(s, (struct str){text, 8 + host},
		    NULL) == (host <= 253), "host of %zu", host);
	}
	memset(text, 'a', sizeof text);
	memcpy(text, "https://", 8);
	cr_expect(!origin_set_match(s, (struct str){text, 65536}, NULL));
	origin_set_free(s);
}

Test(originset, star_covers_everything)
{
	static const char *const texts[] = {"https://a.example", "*", NULL};
	struct origin_set *s = set_of(texts);
	struct origin_entry e;

	cr_expect(origin_set_any(s));
	cr_expect(origin_set_match(s, STR("https://a.example"), &e));
	cr_expect(e.kind == ORIGIN_ANY);
	cr_expect(origin_set_match(s, STR("null"), &e));
	cr_expect(origin_set_match(s, STR("anything at all"), &e));
	origin_set_free(s);
}

Test(originset, duplicates_name_the_first)
{
	static const char *const texts[] = {"https://a.example", "null", "*",
	    "https://*.a.example", "http://b.example:*"};
	struct origin_set *s = origin_set_new();

	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < COUNT(texts); i++) {
			struct place earlier = {9, 9, 9};
			struct origin o;
			cr_assert(origin_parse(str_of(texts[i]), &o, NULL,
			    (struct place){0, 0, 0}) == 0);
			enum origin_added added = origin_set_add(s, &o,
			    (struct place){3, 10 * round + i, 5}, &earlier);
			cr_expect(added == (round ? ORIGIN_DUPLICATE :
			    ORIGIN_ADDED), "%s", texts[i]);
			if (round)
				cr_expect(earlier.file == 3 &&
				    earlier.line == i && earlier.col == 5);
		}
	origin_set_free(s);
}

/* ---- many, against a naive matcher ------------------------------------- */

static bool
naive_labels(const char *p, size_t n)
{
	size_t label = 0;

	for (size_t i = 0; i <= n; i++) {
		if (i < n && p[i] != '.') {
			if (strchr("abcdefghijklmnopqrstuvwxyz0123456789-_",
			        p[i]) == NULL)
				return false;
			label++;
			continue;
		}
		if (label == 0 || label > 63 || p[i - label] == '-' ||
		    p[i - 1] == '-')
			return false;
		label = 0;
	}
	return true;
}

// Whether "scheme://*.base" covers the origin, without ports. */
static bool
naive_covers(const char *pattern, const char *origin)
{
	const char *base = strstr(pattern, "://*") + 4; /* ".base" */
	size_t scheme = (size_t)(base - pattern) - 1, host, tail = strlen(base);

	if (strncmp(pattern, origin, scheme) != 0)
		return false;
	host = strlen(origin + scheme);
	return host > tail && strcmp(origin + scheme + host - tail, base) == 0 &&
	    naive_labels(origin + scheme, host) && host <= 253;
}

Test(originset, agrees_with_a_naive_matcher)
{
	enum { N = 600 };
	static char patterns[N][64], origins[N][64];
	struct origin_set *s = origin_set_new();
	struct place earlier;
	unsigned seed = 12345, agreed = 0;

	for (unsigned i = 0; i < N; i++) {
		struct origin o;
		seed = seed * 1103515245 + 12345;
		snprintf(patterns[i], sizeof patterns[i],
		    "http%s://*.%c%c.%c", seed >> 30 & 1 ? "s" : "", "abcd"[seed >> 8 & 3],
		    "ef-g"[seed >> 12 & 3], "hij"[(seed >> 16) % 3]);
		if (strstr(patterns[i], "-.") != NULL)
			patterns[i][strlen(patterns[i]) - 3] = 'e';
		cr_assert(origin_parse(str_of(patterns[i]), &o, NULL,
		    (struct place){0, 0, 0}) == 0);
		cr_assert(origin_set_add(s, &o, (struct place){0, i, 1},
		    &earlier) != ORIGIN_NO_MEMORY);
	}
	for (unsigned i = 0; i < N; i++) {
		bool naive = false;
		seed = seed * 1103515245 + 12345;
		snprintf(origins[i], sizeof origins[i], "http%s://%s%c%c.%c",
		    seed >> 30 & 1 ? "s" : "",
		    (const char *[]){"", "x.", "x", ".", "x-.", "y.x.", "-x.",
		        "X."}[seed >> 20 & 7],
		    "abcd"[seed >> 8 & 3], "ef-g"[seed >> 12 & 3],
		    "hijk"[seed >> 16 & 3]);
		for (unsigned j = 0; j < N; j++)
			naive = naive || naive_covers(patterns[j], origins[i]);
		bool ours = origin_set_match(s, str_of(origins[i]), NULL);
		cr_expect(ours == naive, "%s: ours %d, naive %d", origins[i],
		    ours, naive);
		agreed += naive;
	}
	cr_expect(agreed > 20, "some were covered: %u", agreed);
	origin_set_free(s);
}

struct walk {
	unsigned next;
	bool in_order;
};

static int
check_order(void *ctx, const struct origin_entry *e)
{
	struct walk *w = ctx;

	w->in_order = w->in_order && e->at.line == w->next++;
	return 0;
}

Test(originset, a_hundred_thousand)
{
	enum { N = 100000 };
	struct origin_set *s = origin_set_new();
	struct place earlier;
	char text[64];

	for (unsigned i = 0; i < N; i++) {
		struct origin o;
		snprintf(text, sizeof text, "https://o%u.example.com", i);
		cr_assert(origin_parse(str_of(text), &o, NULL,
		    (struct place){0, 0, 0}) == 0);
		cr_assert(origin_set_add(s, &o, (struct place){0, i, 1},
		    &earlier) == ORIGIN_ADDED);
	}
	for (unsigned i = 0; i < N; i++) {
		struct origin_entry e;
		snprintf(text, sizeof text, "https://o%u.example.com", i);
		cr_assert(origin_set_match(s, str_of(text), &e), "%s", text);
		cr_assert(e.at.line == i);
		snprintf(text, sizeof text, "https://o%u.example.co", i);
		cr_assert(!origin_set_match(s, str_of(text), NULL), "%s", text);
	}
	struct walk w = {0, true};
	cr_expect(origin_set_each(s, check_order, &w) == 0);
	cr_expect(w.in_order && w.next == N);
	origin_set_free(s);
}

Test(originset, digest_ignores_order_and_not_content)
{
	static const char *const a[] = {"https://a.example", "null",
	    "https://*.b.example", NULL};
	static const char *const b[] = {"https://*.b.example", "null",
	    "https://a.example", NULL};
	static const char *const c[] = {"https://*.b.example", "null",
	    "https://c.example", NULL};
	struct origin_set *sa = set_of(a), *sb = set_of(b), *sc = set_of(c);

	cr_assert(origin_set_seal(sa) == 0 && origin_set_seal(sb) == 0 &&
	    origin_set_seal(sc) == 0);
	cr_expect(memcmp(origin_set_digest(sa), origin_set_digest(sb),
	    ORIGIN_SET_DIGEST) == 0);
	cr_expect(memcmp(origin_set_digest(sa), origin_set_digest(sc),
	    ORIGIN_SET_DIGEST) != 0);
	origin_set_free(sa);
	origin_set_free(sb);
	origin_set_free(sc);
}

/* ---- the nearest miss -------------------------------------------------- */

static const struct {
	const char *origin;
	enum near_kind kind;
	const char *text;
} misses[] = {
	{"https://App.example.com", NEAR_CASE, "https://app.example.com"},
	{"https://app.example.com/", NEAR_SLASH, "https://app.example.com"},
	{"https://app.example.com:443", NEAR_DEFAULT_PORT,
	    "https://app.example.com"},
	{"http://app.example.com", NEAR_SCHEME, "https://app.example.com"},
	{"https://app.example.com:1", NEAR_PORT, "https://app.example.com"},
	{"http://localhost", NEAR_PORT, "http://localhost:5173"},
	{"http://[::1]", NEAR_PORT, "http://[::1]:9090"},
	{"https://wild.example", NEAR_APEX, "https://*.wild.example"},
	{"http://x.wild.example", NEAR_SCHEME, "https://*.wild.example"},
	{"https://x.wild.example:9", NEAR_PORT, "https://*.wild.example"},
	{"https://www.app.example.com", NEAR_WWW, "https://app.example.com"},
	{"https://app.example.com.", NEAR_DOT, "https://app.example.com"},
	{"https://a..wild.example", NEAR_LABEL, "https://*.wild.example"},
	{"https://-a.wild.example", NEAR_LABEL, "https://*.wild.example"},
	{"https://u@app.example.com", NEAR_SPELLING, "https://app.example.com"},
	{"http://localhost:05173", NEAR_SPELLING, "http://localhost:5173"},
	{"http://[0::1]:9090", NEAR_SPELLING, "http://[::1]:9090"},
	{"https://app.exmaple.com", NEAR_SPELLING, "https://app.example.com"},
	{"https://elsewhere.test", NEAR_NONE, NULL},
	{"garbage", NEAR_NONE, NULL},
	{"", NEAR_NONE, NULL},
};

Test(originset, nearest_miss)
{
	struct origin_set *s = set_of(typical);

	for (size_t i = 0; i < COUNT(misses); i++) {
		struct origin_entry e;
		enum near_kind kind = origin_set_nearest(s,
		    str_of(misses[i].origin), &e);
		cr_expect(kind == misses[i].kind, "%s: kind %d",
		    misses[i].origin, kind);
		if (kind != NEAR_NONE && misses[i].text != NULL)
			cr_expect(str_eq(e.text, str_of(misses[i].text)),
			    "%s: %.*s", misses[i].origin, STR_ARG(e.text));
	}
	origin_set_free(s);
}
