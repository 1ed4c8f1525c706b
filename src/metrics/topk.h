/* topk.h - what comes most often of an endless stream of texts, in bounded
 * memory: the space-saving summary of Metwally, Agrawal and El Abbadi (2005).
 * Whatever is more than one in TOPK_SIZE of all is in it, and each count says
 * how far it may be too high. */
#ifndef PREFLIGHTD_METRICS_TOPK_H
#define PREFLIGHTD_METRICS_TOPK_H

#include <stdint.h>

#include "base/str.h"
#include "core/policy.h"
#include "core/preflight.h"

enum {
	TOPK_SIZE = 100, /* entries */
	TOPK_TEXT = 200, /* bytes of a text that are kept; the rest is hashed */
};

/* A text that was refused for a reason by a policy, "" for none. */
struct topk_entry {
	uint64_t hash;
	unsigned long count;  /* at most so often */
	unsigned long excess; /* and at least count - excess times */
	size_t length;        /* of the text, also where it was cut */
	enum reason reason;
	uint8_t npolicy;
	char policy[POLICY_NAME_MAX];
	char text[TOPK_TEXT];
};

/* An empty summary is all zero. */
struct topk {
	size_t n;
	unsigned long floor;  /* what is not in it came at most so often */
	struct topk_entry at[TOPK_SIZE];
};

void topk_add(struct topk *t, struct str policy, enum reason reason,
    struct str text);

/* Adds what another summary has of another part of the stream. */
void topk_merge(struct topk *into, const struct topk *t);

/* Writes the max entries that surely came most often, the first the most, and
 * returns how many there are. */
size_t topk_best(const struct topk *t, struct topk_entry *out, size_t max);

static inline struct str
topk_policy(const struct topk_entry *e)
{
	return (struct str){e->policy, e->npolicy};
}

/* What is kept of the text. */
static inline struct str
topk_text(const struct topk_entry *e)
{
	return (struct str){e->text, e->length < TOPK_TEXT ? e->length :
	    TOPK_TEXT};
}

static inline unsigned long
topk_least(const struct topk_entry *e)
{
	return e->count - e->excess;
}

#endif
