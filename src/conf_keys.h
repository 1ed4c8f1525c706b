/* conf_keys.h - the keys of a policy file: one table, read by the loader, the
 * help and the tests of the manual. */
#ifndef PREFLIGHTD_CONF_KEYS_H
#define PREFLIGHTD_CONF_KEYS_H

#include "buf.h"
#include "conf_impl.h"

struct conf_key {
	const char *name;
	const char *type;     /* as the manual prints it */
	bool list;
	const char *fallback; /* the default, as the manual prints it */
	/* Checks and stores a value, of a list one element.  What is wrong goes
	 * to c->d.  Returns 0, or -1 without memory. */
	int (*set)(struct conf *c, struct section *s, struct str value,
	    struct place at);
	const char *help;
};

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
