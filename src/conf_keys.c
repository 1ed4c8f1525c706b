#include "config.h"

#include "conf_keys.h"

#include <stdint.h>

#include "conf_origins.h"
#include "conf_test.h"
#include "conf_values.h"
#include "spelling.h"

enum { WORD_MAX = 40 };

/* ---- the table --------------------------------------------------------- */

static const struct conf_key policy_keys[KEY_COUNT] = {
	[KEY_HOST] = {"host", "list", true, "*", conf_set_host,
	    "the hosts that the policy serves"},
	[KEY_PATH] = {"path", "list", true, "/", conf_set_path,
	    "the path prefixes that it serves"},
	[KEY_ALLOW_ORIGINS] = {"allow-origins", "list", true, "required",
	    conf_origins_add, "the origins whose pages may call"},
	[KEY_ALLOW_METHODS] = {"allow-methods", "list", true,
	    "GET, HEAD, POST", conf_set_methods, "the methods they may use"},
	[KEY_ALLOW_HEADERS] = {"allow-headers", "list", true, "none",
	    conf_set_headers, "the request headers they may set"},
	[KEY_ALLOW_CREDENTIALS] = {"allow-credentials", "yes or no", false,
	    "no", conf_set_credentials,
	    "whether cookies and logins are sent along"},
	[KEY_EXPOSE_HEADERS] = {"expose-headers", "list", true, "none",
	    conf_set_expose, "the response headers they may read"},
	[KEY_MAX_AGE] = {"max-age", "seconds, or a number with s, m, h, d",
	    false, "not sent", conf_set_max_age,
	    "how long browsers keep the answer"},
	[KEY_SUCCESS_STATUS] = {"success-status", "200 to 299", false, "204",
	    conf_set_success_status, "status of an answered preflight"},
	[KEY_REFUSE_STATUS] = {"refuse-status", "200 to 299, 400 to 599",
	    false, "403", conf_set_refuse_status,
	    "status where the origin is refused"},
	[KEY_INSECURE_ORIGINS] = {"insecure-origins", "refuse or allow",
	    false, "refuse", conf_set_insecure,
	    "origins without https beside credentials"},
	[KEY_PUBLIC_SUFFIXES] = {"public-suffixes", "refuse or allow", false,
	    "refuse", conf_set_suffixes,
	    "patterns over a public suffix beside credentials"},
	[KEY_DEBUG] = {"debug", "yes or no", false, "no", conf_set_debug,
	    "add the reason of every decision to the answer"},
};

static const struct conf_key test_keys[TEST_KEY_COUNT] = {
	[TEST_REQUEST] = {"request", "METHOD URL", false, "required",
	    conf_test_set_request, "the request that a page makes"},
	[TEST_ORIGIN] = {"origin", "an origin", false, "required",
	    conf_test_set_origin, "the page's origin"},
	[TEST_HEADERS] = {"headers", "list", true, "none",
	    conf_test_set_header, "the request headers that the page sets"},
	[TEST_CREDENTIALS] = {"credentials", "yes or no", false, "no",
	    conf_test_set_credentials, "whether it sends credentials"},
	[TEST_EXPECT] = {"expect", "a reason", false, "required",
	    conf_test_set_expect, "what the answer must be"},
	[TEST_POLICY] = {"policy", "a policy's name", false, "any",
	    conf_test_set_policy, "the policy that must decide"},
};

const struct conf_key *
conf_keys(enum section_kind kind, size_t *count)
{
	*count = kind == SECTION_TEST ? (size_t)TEST_KEY_COUNT : KEY_COUNT;
	return kind == SECTION_TEST ? test_keys : policy_keys;
}

int
conf_key_find(enum section_kind kind, struct str name)
{
	size_t count;
	const struct conf_key *keys = conf_keys(kind, &count);

	for (size_t i = 0; i < count; i++)
		if (str_eq(name, str_of(keys[i].name)))
			return (int)i;
	return -1;
}

/* ---- suggestions ------------------------------------------------------- */

/* Case and the choice of '_' or '-' are no mistakes worth counting. */
static struct str
plain(struct str s, char space[static WORD_MAX])
{
	for (size_t i = 0; i < s.n; i++)
		space[i] = s.p[i] == '_' ? '-' :
		    (char)ascii_lower((unsigned char)s.p[i]);
	return (struct str){space, s.n};
}

/* Of two words; WORD_MAX + 1 where one is longer than that. */
static size_t
distance(struct str a, struct str b)
{
	char x[WORD_MAX], y[WORD_MAX];

	if (a.n > WORD_MAX || b.n > WORD_MAX)
		return WORD_MAX + 1;
	return spelling_distance(plain(a, x), plain(b, y), WORD_MAX);
}

bool
conf_word_near(struct str word, struct str name)
{
	return distance(word, name) <= (name.n < 6 ? 1 : name.n / 3);
}

/* "methods" for allow-methods. */
static bool
is_last_words(struct str name, struct str key)
{
	return name.n < key.n && key.p[key.n - name.n - 1] == '-' &&
	    str_eq_fold(name, str_from(key, key.n - name.n));
}

static const struct conf_key *
nearest(enum section_kind kind, struct str name)
{
	const struct str prefix = STR("access-control-");
	size_t count, best = SIZE_MAX;
	const struct conf_key *keys = conf_keys(kind, &count), *found = NULL;

	if (name.n > prefix.n &&
	    str_eq_fold((struct str){name.p, prefix.n}, prefix))
		name = str_from(name, prefix.n);
	for (size_t i = 0; i < count; i++) {
		struct str key = str_of(keys[i].name);

		if (is_last_words(name, key))
			return &keys[i];
		if (!conf_word_near(name, key) || distance(name, key) >= best)
			continue;
		best = distance(name, key);
		found = &keys[i];
	}
	return found;
}

int
conf_key_suggest(enum section_kind kind, struct str name, struct buf *hint)
{
	const struct conf_key *key = nearest(kind, name);
	enum section_kind other = kind == SECTION_TEST ? SECTION_POLICY :
	    SECTION_TEST;
	size_t count;
	const struct conf_key *keys = conf_keys(kind, &count);

	if (key != NULL) {
		buf_add(hint, STR("did you mean "));
		buf_add(hint, str_of(key->name));
		buf_char(hint, '?');
		return (int)(key - keys);
	}
	if (conf_key_find(other, name) >= 0) {
		buf_add(hint, other == SECTION_TEST ?
		    STR("it is a key of [test NAME]") :
		    STR("it is a key of [policy NAME] and [defaults]"));
		return -1;
	}
	buf_add(hint, STR("known are "));
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			buf_add(hint, STR(", "));
		buf_add(hint, str_of(keys[i].name));
	}
	return -1;
}
