/* snapshot.h - the policies that all workers answer from, and the candidate
 * judged beside them, with what is needed for that.  Made anew whenever one of
 * the two changes, and never changed itself. */
#ifndef PREFLIGHTD_SERVE_SNAPSHOT_H
#define PREFLIGHTD_SERVE_SNAPSHOT_H

#include "core/policy.h"
#include "metrics/metrics.h"
#include "metrics/shadow.h"

/* A worker's buffers: how much is needed depends on the policies. */
struct answer_space {
	char *text;         /* one answer */
	size_t text_cap;
	unsigned char *out; /* the records of one or more */
	size_t out_cap, answer_cap; /* room; what one answer may need */
};

struct generation {
	struct policy_set *policies;  /* not its own */
	struct policy_set *candidate; /* nor this; NULL: none */
	struct shadow *shadow;        /* of the two; NULL without a candidate */
	struct metrics_view *view;
	size_t workers;
	struct answer_space spaces[]; /* one for each */
};

/* Returns NULL without memory. */
struct generation *generation_new(struct policy_set *policies,
    struct policy_set *candidate, struct metrics *metrics, size_t workers);
void generation_free(struct generation *g);

#endif
