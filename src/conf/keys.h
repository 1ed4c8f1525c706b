/* keys.h - the keys of a policy file: one table, read by the loader, the
 * help and the tests of the manual. */
#ifndef PREFLIGHTD_CONF_KEYS_H
#define PREFLIGHTD_CONF_KEYS_H

#include "base/buf.h"
#include "conf/conf_impl.h"

/* How a value is read and where it goes. */
enum conf_value {
	/* Elements of lists. */
	VALUE_SPELLED, /* written as it is compared: `spelled` */
	VALUE_NAME,    /* a name that `check` takes, or '*' */
	VALUE_ELEMENT, /* `set` */
	/* Scalars, at `offset` in struct section. */
	VALUE_CHOICE,  /* bool: the word `yes` or the word `no` */
	VALUE_STATUS,  /* int: 200 to status_max, never 3xx */
	VALUE_MAX_AGE, /* int: seconds */
	VALUE_TEXT,    /* struct str */
	VALUE_OWN,     /* `set` */
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
	int (*set)(struct conf *c, struct section *s, struct str v,
	    struct place at);
};

static inline bool
conf_key_is_list(const struct conf_key *key)
{
	return key->kind <= VALUE_ELEMENT;
}

/* The keys of a kind of section, in the order of enum policy_key or
 * test_key. */
const struct conf_key *conf_keys(enum section_kind kind, size_t *count);

/* The number of a key, or -1. */
int conf_key_find(enum section_kind kind, struct str name);

/* Checks and stores a value of a key, of a list one element; what is wrong goes
 * to c->d.  Returns 0, or -1 without memory. */
int conf_key_set(struct conf *c, struct section *s, int key, struct str v,
    struct place at);

/* Fills hint with a suggestion for an unknown key.  Returns the number of the
 * key that is likely meant, or -1. */
int conf_key_suggest(enum section_kind kind, struct str name,
    struct buf *hint);

/* Whether word is so near to name that it is likely meant. */
bool conf_word_near(struct str word, struct str name);

#endif
