/* keys.h - the keys of a policy file: one table, read by the loader, the
 * help and the tests of the manual. */
#ifndef PREFLIGHTD_CONF_KEYS_H
#define PREFLIGHTD_CONF_KEYS_H

#include "base/buf.h"
#include "browser/url.h"
#include "core/policy.h"

enum section_kind { SECTION_DEFAULTS, SECTION_POLICY, SECTION_TEST };

enum test_key {
	TEST_REQUEST, TEST_ORIGIN, TEST_HEADERS, TEST_CREDENTIALS, TEST_EXPECT,
	TEST_POLICY, TEST_KEY_COUNT
};

/* A [test NAME] as read: what a page asks and what the answer must be. */
struct conf_test {
	struct str name;
	struct str method; /* as browsers send it */
	struct url url;
	struct str origin, expect;
	struct str policy; /* empty: any */
	const struct field_item *headers;
	size_t nheaders;
	bool credentials;
};

/* How a value is read and where it goes. */
enum conf_value {
	/* Elements of lists. */
	VALUE_SPELLED, /* written as it is compared: `spelled` */
	VALUE_NAME,    /* a name that `check` takes, or '*' */
	VALUE_ORIGIN,  /* an origin or '@FILE' */
	/* Scalars, at `offset` in struct policy or struct conf_test. */
	VALUE_CHOICE,  /* bool: the word `yes` or the word `no` */
	VALUE_STATUS,  /* int: 200 to status_max, never 3xx */
	VALUE_MAX_AGE, /* int: seconds */
	VALUE_TEXT,    /* struct str */
	VALUE_REQUEST, /* METHOD URL of a test */
	VALUE_REASON,  /* struct str: a reason, or 'credentials' */
};

struct conf_key {
	const char *name;
	const char *type;     /* as the manual prints it */
	const char *fallback; /* the default, as the manual prints it */
	const char *help;
	enum conf_value kind;
	size_t offset;
	const char *yes, *no;
	const char *status_hint;
	int status_max;
	int (*spelled)(struct str v, struct str *out, struct diag *d,
	    struct place at);
	int (*check)(struct str v, struct diag *d, struct place at);
};

static inline bool
conf_key_is_list(const struct conf_key *key)
{
	return key->kind <= VALUE_ORIGIN;
}

/* The keys of a kind of section, in the order of enum policy_key or
 * test_key. */
const struct conf_key *conf_keys(enum section_kind kind, size_t *count);

/* The number of a key, or -1. */
int conf_key_find(enum section_kind kind, struct str name);

/* Fills hint with a suggestion for an unknown key.  Returns the number of the
 * key that is likely meant, or -1. */
int conf_key_suggest(enum section_kind kind, struct str name,
    struct buf *hint);

/* Whether word is so near to name that it is likely meant. */
bool conf_word_near(struct str word, struct str name);

#endif
