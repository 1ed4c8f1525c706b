#include "config.h"

#include "metrics/shadow.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"
#include "core/policy.h"
#include "log/log.h"

enum {
	REASONS = REASON_NOT_PREFLIGHT, /* those a preflight can have */
	PAIRS = REASONS * REASONS,
	ROWS_LOGGED = 100,
};

_Static_assert((int)REASON_MALFORMED == REASONS - 1,
    "the reasons of preflights stand before the others");

/* What the lists of a policy mean, by its index. */
struct lists {
	uint64_t methods, headers;
};

struct shadow {
	const struct policy_set *live, *candidate;
	size_t nlive, ncandidate;
	struct lists *lists;  /* those of the live policies first */
	atomic_ulong *counts; /* PAIRS for each live policy, for each of the
	                         candidate's, and for none */
};

/* ---- making ------------------------------------------------------------ */

/* A hash of what a list of methods or headers means.  Returns 0, or -1 without
 * memory. */
static int
names_hash(const struct policy *p, enum policy_key key, uint64_t *out)
{
	struct arena a = {NULL};
	struct meaning_names names;
	int ret = meaning_names(p, key, &a, &names);

	if (ret == 0) {
		*out = names.any;
		for (size_t i = 0; i < names.count; i++)
			*out = hash_str(names.items[i].name, *out);
	}
	arena_clear(&a);
	return ret;
}

static int
lists_fill(struct lists *lists, const struct policy_set *policies)
{
	const struct policy *p;

	for (size_t i = 0; i < policy_set_count(policies); i++) {
		p = policy_set_get(policies, i);
		if (names_hash(p, KEY_ALLOW_METHODS, &lists[i].methods) == -1 ||
		    names_hash(p, KEY_ALLOW_HEADERS, &lists[i].headers) == -1)
			return -1;
	}
	return 0;
}

struct shadow *
shadow_new(const struct policy_set *live, const struct policy_set *candidate)
{
	struct shadow *s = calloc(1, sizeof *s);
	size_t n;

	if (s == NULL)
		return NULL;
	s->live = live;
	s->candidate = candidate;
	s->nlive = policy_set_count(live);
	s->ncandidate = policy_set_count(candidate);
	n = s->nlive + s->ncandidate + 1;
	s->lists = calloc(n, sizeof *s->lists);
	s->counts = calloc(n, PAIRS * sizeof *s->counts);
	if (s->lists == NULL || s->counts == NULL ||
	    lists_fill(s->lists, live) == -1 ||
	    lists_fill(s->lists + s->nlive, candidate) == -1) {
		shadow_free(s);
		return NULL;
	}
	return s;
}

void
shadow_free(struct shadow *s)
{
	if (s == NULL)
		return;
	free(s->lists);
	free(s->counts);
	free(s);
}

/* ---- comparing --------------------------------------------------------- */

/* What of two answers may differ. */
enum part { PART_STATUS, PART_ORIGIN, PART_CREDENTIALS, PART_METHODS,
	PART_HEADERS, PART_MAX_AGE, PARTS };

static const char *const part_names[PARTS] = {
	[PART_STATUS] = "status",
	[PART_ORIGIN] = "origin",
	[PART_CREDENTIALS] = "credentials",
	[PART_METHODS] = "methods",
	[PART_HEADERS] = "headers",
	[PART_MAX_AGE] = "max-age",
};

static bool
is_granted(enum reason reason)
{
	return reason == REASON_ALLOWED || reason == REASON_METHOD ||
	    reason == REASON_HEADER;
}

static int
status_of(const struct policy_set *policies, const struct decision *d)
{
	if (d->policy == NULL)
		return policy_set_refuse_status(policies);
	return is_granted(d->reason) ? d->policy->success_status
	    : d->policy->refuse_status;
}

/* The parts in which the answers to two decisions of the same reason differ, a
 * bit each. */
static unsigned
parts_differing(const struct shadow *s, const struct decision *live,
    const struct decision *candidate)
{
	const struct policy *a = live->policy, *b = candidate->policy;
	const struct lists *la, *lb;
	unsigned parts = 0;

	if (status_of(s->live, live) != status_of(s->candidate, candidate))
		parts |= 1U << PART_STATUS;
	if (!is_granted(live->reason))
		return parts;
	la = &s->lists[a->index];
	lb = &s->lists[s->nlive + b->index];
	if (origin_set_any(a->origins) != origin_set_any(b->origins))
		parts |= 1U << PART_ORIGIN;
	if (a->credentials != b->credentials)
		parts |= 1U << PART_CREDENTIALS;
	if (la->methods != lb->methods)
		parts |= 1U << PART_METHODS;
	if (la->headers != lb->headers)
		parts |= 1U << PART_HEADERS;
	if (a->max_age != b->max_age)
		parts |= 1U << PART_MAX_AGE;
	return parts;
}

/* ---- telling ----------------------------------------------------------- */

enum { PAIR_NAME_MAX = 40 };

/* Both reasons as one word, by which the log limits its lines. */
static char pair_names[REASONS][REASONS][PAIR_NAME_MAX];

static void
pair_names_fill(void)
{
	for (int i = 0; i < REASONS; i++)
		for (int j = 0; j < REASONS; j++)
			(void)snprintf(pair_names[i][j], PAIR_NAME_MAX,
			    "%s-to-%s", reason_name((enum reason)i),
			    reason_name((enum reason)j));
}

static bool
line_begin(struct log_line *l, const char *event, enum reason before,
    enum reason after, enum log_limit limit)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, pair_names_fill);
	if (!log_begin(l, LOG_LEVEL_INFO, event, pair_names[before][after],
	    limit))
		return false;
	log_str(l, "before", str_of(reason_name(before)));
	log_str(l, "after", str_of(reason_name(after)));
	return true;
}

static void
parts_log(struct log_line *l, unsigned parts)
{
	char text[64];
	struct buf b = BUF(text);

	for (unsigned i = 0; i < PARTS; i++) {
		if ((parts & 1U << i) == 0)
			continue;
		if (b.n > 0)
			buf_add(&b, STR(", "));
		buf_add(&b, str_of(part_names[i]));
	}
	log_str(l, "differs", buf_str(&b));
}

static void
difference_log(const struct request *r, const struct decision *live,
    const struct decision *candidate, unsigned parts)
{
	/* Where both refuse it, what the candidate says is told. */
	const struct decision *refusal = candidate->reason != REASON_ALLOWED ?
	    candidate : live;
	char text[1024];
	struct buf explained = BUF(text);
	struct log_line l;

	if (!line_begin(&l, "shadow-difference", live->reason,
	    candidate->reason, LOG_PER_SECOND))
		return;
	log_str(&l, "policy", live->policy != NULL ? live->policy->name :
	    STR(""));
	log_str(&l, "shadow-policy", candidate->policy != NULL ?
	    candidate->policy->name : STR(""));
	log_str(&l, "origin", r->origin);
	log_str(&l, "method", r->request_method);
	log_str(&l, "host", r->host);
	log_str(&l, "uri", r->uri);
	if (live->reason == candidate->reason) {
		parts_log(&l, parts);
	} else {
		log_str(&l, "offending", refusal->offending);
		preflight_explain(r, refusal, &explained);
		if (explained.n > 0)
			log_text(&l, "text", buf_str(&explained));
	}
	log_end(&l);
}

/* ---- counting ---------------------------------------------------------- */

static atomic_ulong *
count_of(const struct shadow *s, size_t index, enum reason before,
    enum reason after)
{
	return &s->counts[index * PAIRS + (size_t)before * REASONS +
	    (size_t)after];
}

void
shadow_judge(struct shadow *s, const struct request *r,
    const struct decision *d, struct metrics_shard *shard)
{
	struct decision candidate;
	unsigned parts = 0;
	size_t index;

	if (d->reason >= REASON_NOT_PREFLIGHT)
		return;
	preflight_decide(s->candidate, r, &candidate);
	metrics_count(shard, COUNT_SHADOW_JUDGED);
	if (candidate.reason == d->reason &&
	    (parts = parts_differing(s, d, &candidate)) == 0)
		return;
	metrics_count(shard, COUNT_SHADOW_DIFFERENCES);
	if (d->policy != NULL)
		index = d->policy->index;
	else if (candidate.policy != NULL)
		index = s->nlive + candidate.policy->index;
	else
		index = s->nlive + s->ncandidate;
	atomic_fetch_add(count_of(s, index, d->reason, candidate.reason), 1);
	difference_log(r, d, &candidate, parts);
}

/* ---- listing ----------------------------------------------------------- */

static struct str
name_at(const struct shadow *s, size_t index)
{
	if (index < s->nlive)
		return policy_set_get(s->live, index)->name;
	index -= s->nlive;
	if (index < s->ncandidate)
		return policy_set_get(s->candidate, index)->name;
	return STR("");
}

bool
shadow_next(const struct shadow *s, size_t *at, struct shadow_row *out)
{
	size_t end = (s->nlive + s->ncandidate + 1) * PAIRS, i;
	unsigned long n;

	while (*at < end) {
		i = (*at)++;
		n = atomic_load(&s->counts[i]);
		if (n == 0)
			continue;
		*out = (struct shadow_row){name_at(s, i / PAIRS),
		    (enum reason)(i % PAIRS / REASONS),
		    (enum reason)(i % REASONS), n};
		return true;
	}
	return false;
}

void
shadow_log(const struct shadow *s)
{
	struct shadow_row row;
	struct log_line l;
	size_t at = 0;

	for (int i = 0; s != NULL && i < ROWS_LOGGED &&
	    shadow_next(s, &at, &row); i++) {
		if (!line_begin(&l, "shadow-total", row.before, row.after,
		    LOG_UNLIMITED))
			continue;
		log_str(&l, "policy", row.policy);
		log_num(&l, "requests", row.requests);
		log_end(&l);
	}
}

/* ---- from one pair to the next ----------------------------------------- */

void
shadow_succeed(struct shadow *s, const struct shadow *old)
{
	struct shadow_row row;
	size_t at = 0, index;

	if (old == NULL)
		return;
	if (s == NULL ||
	    strcmp(policy_set_digest(s->live),
	    policy_set_digest(old->live)) != 0 ||
	    strcmp(policy_set_digest(s->candidate),
	    policy_set_digest(old->candidate)) != 0) {
		shadow_log(old);
		return;
	}
	/* The policies are the same, but may stand in another order. */
	while (shadow_next(old, &at, &row)) {
		index = (at - 1) / PAIRS;
		if (index < old->nlive)
			index = policy_set_named(s->live, row.policy)->index;
		else if (index < old->nlive + old->ncandidate)
			index = s->nlive + policy_set_named(s->candidate,
			    row.policy)->index;
		atomic_fetch_add(count_of(s, index, row.before, row.after),
		    row.requests);
	}
}
