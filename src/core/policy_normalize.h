/* policy_normalize.h - the lists of a policy as they act, in one order and
 * spelling: what its digest, its canonical form and a comparison go by. */
#ifndef PREFLIGHTD_CORE_POLICY_NORMALIZE_H
#define PREFLIGHTD_CORE_POLICY_NORMALIZE_H

#include "base/arena.h"
#include "core/origin_set.h"
#include "core/policy.h"

/* Names of one of the three lists, sorted, without those that the '*' beside
 * them stands for anyhow; header names are in lower case. */
struct meaning_names {
	const struct field_item *items; /* folded is NULL */
	size_t count;
	bool any;
	struct place any_at;
};

/* Fills *out from the list of key: KEY_ALLOW_METHODS, KEY_ALLOW_HEADERS or
 * KEY_EXPOSE_HEADERS.  It lives in a.  Returns 0, or -1 without memory. */
int meaning_names(const struct policy *p, enum policy_key key,
    struct arena *a, struct meaning_names *out);

/* The claims sorted by text, in a; NULL without memory. */
const struct claim *meaning_claims(const struct claim *claims, size_t count,
    struct arena *a);

/* The entries sorted by text, without those that others cover.  They are in a,
 * their texts in the set.  Returns NULL without memory. */
const struct origin_entry *meaning_origins(const struct origin_set *s,
    struct arena *a, size_t *count);

#endif
