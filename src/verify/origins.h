/* origins.h - sample origins: some that a policy allows, and some that a
 * careless server takes for them. */
#ifndef PREFLIGHTD_VERIFY_ORIGINS_H
#define PREFLIGHTD_VERIFY_ORIGINS_H

#include "base/arena.h"
#include "core/origin_set.h"

enum {
	SAMPLES_ALLOWED = 5, /* two exact ones, two of patterns, null */
	SAMPLES_NEAR = 16,
};

struct verify_origins {
	struct str allowed[SAMPLES_ALLOWED];
	size_t nallowed;
	struct str near[SAMPLES_NEAR]; /* not allowed, valid */
	size_t nnear;
	struct str foreign;            /* like none of the set; n is 0 where
	                                  the set allows every origin */
};

/* Fills *out for a set; NULL is a set of none.  The texts live in the arena or
 * in the set.  Returns 0, or -1 without memory. */
int verify_origins_pick(const struct origin_set *s, struct arena *a,
    struct verify_origins *out);

#endif
