/* shadow.h - a candidate policy judged beside the one that answers: what it
 * would have decided on each preflight is compared, counted and logged, and
 * never sent.
 *
 * A shadow stands for one pair of loaded files.  It is made by the thread that
 * loads them and lives as long as both, so that a worker has both of one pair.
 * Any thread that may use it may count and list. */
#ifndef PREFLIGHTD_METRICS_SHADOW_H
#define PREFLIGHTD_METRICS_SHADOW_H

#include "core/policy.h"
#include "core/preflight.h"
#include "metrics/metrics.h"

struct shadow;

/* Both sets must outlive it.  Returns NULL without memory. */
struct shadow *shadow_new(const struct policy_set *live,
    const struct policy_set *candidate);
void shadow_free(struct shadow *s);

/* Has the candidate judge a preflight on which the live policy decided d.  It
 * differs where the reason is another, or the answer is: its status, or for an
 * origin that both allow what the browser is told.  Requests that are no
 * preflights are passed over. */
void shadow_judge(struct shadow *s, const struct request *r,
    const struct decision *d, struct metrics_shard *shard);

/* How often the decision on requests of one policy went from one reason to
 * another; equal reasons: the answer is another.  Its policy is the live one,
 * where none serves the request the candidate's, and "" without either; it
 * lasts as long as the shadow. */
struct shadow_row {
	struct str policy;
	enum reason before, after;
	unsigned long requests;
};

/* Lists the rows that are not 0, ordered by policy: *at is 0 at first.  Returns
 * false at the end.  There are at most 36 for each policy of the two files. */
bool shadow_next(const struct shadow *s, size_t *at, struct shadow_row *out);

/* Logs each row, the first hundred, as event=shadow-total; s may be NULL. */
void shadow_log(const struct shadow *s);

/* Goes on from the counts of old, which no thread judges by any more, where
 * both pairs mean the same; else the counts of old are logged.  Both may be
 * NULL. */
void shadow_succeed(struct shadow *s, const struct shadow *old);

#endif
