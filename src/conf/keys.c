#include "config.h"

#include "conf/keys.h"

#include <stddef.h>
#include <stdint.h>

#include "base/parse.h"
#include "conf/hints.h"
#include "conf/origins.h"
#include "conf/test.h"
#include "core/target.h"

enum { WORD_MAX = 40, MAX_AGE_CHROMIUM = 7200 };

/* ---- the table --------------------------------------------------------- */

#define VALUE(member) offsetof(struct section, values.member)
#define TEST(member) offsetof(struct section, test.member)

static const struct conf_key policy_keys[KEY_COUNT] = {
	[KEY_HOST] = {"host", "list", "*", "the hosts that the policy serves",
	    VALUE_SPELLED, .spelled = host_check},
	[KEY_PATH] = {"path", "list", "/", "the path prefixes that it serves",
	    VALUE_SPELLED, .spelled = path_check},
	[KEY_ALLOW_ORIGINS] = {"allow-origins", "list", "required",
	    "the origins whose pages may call",
	    VALUE_ELEMENT, .set = conf_origins_add},
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
	    VALUE_OWN, .set = conf_test_set_request},
	[TEST_ORIGIN] = {"origin", "an origin", "required",
	    "the page's origin", VALUE_TEXT, .offset = TEST(origin)},
	[TEST_HEADERS] = {"headers", "list", "none",
	    "the request headers that the page sets",
	    VALUE_NAME, .check = conf_test_header_check},
	[TEST_CREDENTIALS] = {"credentials", "yes or no", "no",
	    "whether it sends credentials",
	    VALUE_CHOICE, .offset = TEST(credentials),
	    .yes = "yes", .no = "no"},
	[TEST_EXPECT] = {"expect", "a reason", "required",
	    "what the answer must be",
	    VALUE_OWN, .set = conf_test_set_expect},
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

/* ---- values ------------------------------------------------------------ */

int
names_add(struct conf *c, struct names *n, struct str s, struct place at)
{
	struct field_item *items = arena_grow(&c->scratch, n->items, n->count,
	    &n->cap, sizeof(*items));
	struct str copy = arena_str(c->kept, s);

	if (items == NULL || copy.p == NULL)
		return -1;
	n->items = items;
	n->items[n->count++] = (struct field_item){.name = copy, .at = at};
	return 0;
}

static void
report_value(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, const char *id, const char *hint)
{
	struct shown shown;

	diag_add(c->d, DIAG_ERROR, at, id, hint, "invalid value '%s' of %s",
	    buf_shown(&shown, v), key->name);
}

static void
set_choice(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, bool *out)
{
	char hint[128];
	struct buf h = BUF(hint);
	int meant;

	*out = str_eq(v, str_of(key->yes));
	if (*out || str_eq(v, str_of(key->no)))
		return;
	meant = conf_foreign_choice(v);
	buf_add(&h, STR("write "));
	if (meant != 0)
		buf_add(&h, str_of(key->yes));
	if (meant < 0)
		buf_add(&h, STR(" or "));
	if (meant <= 0)
		buf_add(&h, str_of(key->no));
	report_value(c, key, v, at, "key-value", buf_cstr(&h));
}

static void
set_status(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, int *out)
{
	unsigned long status;

	if (v.n == 3 && digits_parse(v, &status) == 3 && status >= 200 &&
	    (int)status <= key->status_max && status / 100 != 3)
		*out = (int)status;
	else
		report_value(c, key, v, at, "status-invalid",
		    key->status_hint);
}

/* Seconds in the unit that follows a number, or 0. */
static unsigned
unit_seconds(struct str unit)
{
	static const char units[] = "smhd";
	static const unsigned seconds[] = {1, 60, 3600, 86400};
	const char *found = unit.n != 1 ? NULL :
	    memchr(units, unit.p[0], sizeof units - 1);

	return unit.n == 0 ? 1 : found != NULL ? seconds[found - units] : 0;
}

/* More than any policy may say.  Whole minutes of milliseconds are hardly meant
 * as seconds. */
static void
refuse_max_age(struct conf *c, struct str v, unsigned long number, bool plain,
    struct place at)
{
	struct shown shown;
	char hint[128];
	struct buf h = BUF(hint);
	bool milli = plain && number % 60000 == 0 &&
	    number / 1000 <= MAX_AGE_MAX;

	buf_add(&h, STR("write "));
	buf_uint(&h, milli ? number / 1000 : MAX_AGE_MAX);
	if (!milli)
		buf_add(&h, STR(" or less"));
	diag_add(c->d, DIAG_ERROR, at, milli ? "max-age-milliseconds" :
	    "max-age-too-large", buf_cstr(&h), milli ?
	    "max-age '%s' is over 86400 and looks like milliseconds" :
	    "max-age '%s' is over 86400 seconds (1d), the most that any "
	    "browser keeps", buf_shown(&shown, v));
}

static void
set_max_age(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, int *out)
{
	struct shown shown;
	unsigned long number;
	size_t digits = digits_parse(v, &number);
	unsigned unit = unit_seconds(str_from(v, digits));

	if (v.n > 1 && v.p[0] == '-' && v.p[1] >= '0' && v.p[1] <= '9')
		diag_add(c->d, DIAG_ERROR, at, "max-age-negative",
		    "write 0 for answers that browsers do not keep",
		    "max-age '%s' is negative", buf_shown(&shown, v));
	else if (digits == 0 || unit == 0)
		report_value(c, key, v, at, "max-age-invalid",
		    "write seconds, or a number with s, m, h or d: 600, 10m");
	else if (number > MAX_AGE_MAX / unit)
		refuse_max_age(c, v, number, digits == v.n, at);
	else
		*out = (int)(number * unit);
	if (*out > MAX_AGE_CHROMIUM)
		diag_add(c->d, DIAG_WARNING, at, "max-age-over-cap",
		    "write 7200 or less, or keep it for Firefox's sake",
		    "max-age '%s' is more than most browsers keep: Chromium "
		    "7200 seconds, WebKit 600", buf_shown(&shown, v));
}

int
conf_key_set(struct conf *c, struct section *s, int key, struct str v,
    struct place at)
{
	size_t count;
	const struct conf_key *k = &conf_keys(s->kind, &count)[key];
	void *out = (char *)s + k->offset;
	struct str text = v;

	switch (k->kind) {
	case VALUE_SPELLED:
		return k->spelled(v, &text, c->d, at) != 0 ? 0 :
		    names_add(c, &s->lists[key], text, at);
	case VALUE_NAME:
		return !str_eq(v, STR("*")) && k->check(v, c->d, at) != 0 ?
		    0 : names_add(c, &s->lists[key], v, at);
	case VALUE_CHOICE:
		set_choice(c, k, v, at, out);
		return 0;
	case VALUE_STATUS:
		set_status(c, k, v, at, out);
		return 0;
	case VALUE_MAX_AGE:
		set_max_age(c, k, v, at, out);
		return 0;
	case VALUE_TEXT:
		text = arena_str(c->kept, v);
		*(struct str *)out = text;
		return text.p != NULL ? 0 : -1;
	case VALUE_ELEMENT:
	case VALUE_OWN:
		break;
	}
	return k->set(c, s, v, at);
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
