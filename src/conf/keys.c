#include "config.h"

#include "conf/keys.h"

#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"
#include "core/field.h"
#include "core/target.h"

enum { WORD_MAX = 40 };

static int
check_test_header(struct str name, struct diag *d, struct place at)
{
	struct shown shown;

	if (token_valid(name))
		return 0;
	diag_add(d, DIAG_ERROR, at, "test-header",
	    "write the names of headers, without values",
	    "invalid header name '%s'", buf_shown(&shown, name));
	return -1;
}

/* ---- the table --------------------------------------------------------- */

#define VALUE(member) offsetof(struct policy, member)
#define TEST(member) offsetof(struct conf_test, member)

static const struct conf_key policy_keys[KEY_COUNT] = {
	[KEY_HOST] = {"host", "list", "*", "the hosts that the policy serves",
	    VALUE_SPELLED, .spelled = host_check},
	[KEY_PATH] = {"path", "list", "/", "the path prefixes that it serves",
	    VALUE_SPELLED, .spelled = path_check},
	[KEY_ALLOW_ORIGINS] = {"allow-origins", "list", "required",
	    "the origins whose pages may call",
	    .kind = VALUE_ORIGIN},
	[KEY_ALLOW_METHODS] = {"allow-methods", "list", "GET, HEAD, POST",
	    "the methods they may use", VALUE_NAME, .check = method_check},
	[KEY_ALLOW_HEADERS] = {"allow-headers", "list", "none",
	    "the request headers they may set",
	    VALUE_NAME, .check = request_header_check},
	[KEY_ALLOW_CREDENTIALS] = {"allow-credentials", "yes or no", "no",
	    "whether cookies and logins are sent along",
	    VALUE_CHOICE, .offset = VALUE(credentials),
	    .yes = "yes", .no = "no"},
	[KEY_EXPOSE_HEADERS] = {"expose-headers", "list", "none",
	    "the response headers they may read",
	    VALUE_NAME, .check = response_header_check},
	[KEY_MAX_AGE] = {"max-age", "seconds, or a number with s, m, h, d",
	    "not sent", "how long browsers keep the answer",
	    VALUE_MAX_AGE, .offset = VALUE(max_age)},
	[KEY_SUCCESS_STATUS] = {"success-status", "200 to 299", "204",
	    "status of an answered preflight",
	    VALUE_STATUS, .offset = VALUE(success_status), .status_hint =
	    "write 200 to 299, usually 204: browsers take no other as "
	    "success", .status_max = 299},
	[KEY_REFUSE_STATUS] = {"refuse-status", "200 to 299, 400 to 599",
	    "403", "status where the origin is refused",
	    VALUE_STATUS, .offset = VALUE(refuse_status), .status_hint =
	    "write 200 to 299 or 400 to 599, usually 403",
	    .status_max = 599},
	[KEY_INSECURE_ORIGINS] = {"insecure-origins", "refuse or allow",
	    "refuse", "origins without https beside credentials",
	    VALUE_CHOICE, .offset = VALUE(insecure_allowed),
	    .yes = "allow", .no = "refuse"},
	[KEY_PUBLIC_SUFFIXES] = {"public-suffixes", "refuse or allow",
	    "refuse", "patterns over a public suffix beside credentials",
	    VALUE_CHOICE, .offset = VALUE(suffixes_allowed),
	    .yes = "allow", .no = "refuse"},
	[KEY_DEBUG] = {"debug", "yes or no", "no",
	    "add the reason of every decision to the answer",
	    VALUE_CHOICE, .offset = VALUE(debug),
	    .yes = "yes", .no = "no"},
};

static const struct conf_key test_keys[TEST_KEY_COUNT] = {
	[TEST_REQUEST] = {"request", "METHOD URL", "required",
	    "the request that a page makes",
	    .kind = VALUE_REQUEST},
	[TEST_ORIGIN] = {"origin", "an origin", "required",
	    "the page's origin", VALUE_TEXT, .offset = TEST(origin)},
	[TEST_HEADERS] = {"headers", "list", "none",
	    "the request headers that the page sets",
	    VALUE_NAME, .check = check_test_header},
	[TEST_CREDENTIALS] = {"credentials", "yes or no", "no",
	    "whether it sends credentials",
	    VALUE_CHOICE, .offset = TEST(credentials),
	    .yes = "yes", .no = "no"},
	[TEST_EXPECT] = {"expect", "a reason", "required",
	    "what the answer must be",
	    VALUE_REASON, .offset = TEST(expect)},
	[TEST_POLICY] = {"policy", "a policy's name", "any",
	    "the policy that must decide", VALUE_TEXT, .offset = TEST(policy)},
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
