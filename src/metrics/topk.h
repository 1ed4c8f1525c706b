/* topk.h - what comes most often of an endless stream of texts, in bounded
 * memory: the space-saving summary of Metwally, Agrawal and El Abbadi (2005).
 * Whatever is more than one in TOP_SIZE of all is in it, and each count says
 * how far it may be too high. */
#ifndef PREFLIGHTD_METRICS_TOPK_H
#define PREFLIGHTD_METRICS_TOPK_H

#include <stdint.h>

#include "base/str.h"
#include "core/policy.h"
#include "core/preflight.h"

enum {
	TOP_SIZE = 100, /* entries */
	TOP_TEXT = 200, /* bytes of a text that are kept; the rest is hashed */
};

/* A text that was refused for a reason by a policy, "" for none. */
struct top_entry {
	unsigned long count;  /* at most so often */
	unsigned long excess; /* and at least count - excess times */
	uint64_t hash;
	size_t length;        /* of the text, also where it was cut */
	enum reason reason;
	uint8_t npolicy;
	char policy[POLICY_NAME_MAX];
	char text[TOP_TEXT];
};

struct top {
	size_t n;
	unsigned long floor;  /* what is not in it came at most so often */
	uint64_t hashes[TOP_SIZE];       /* of at[], to be searched quickly */
	unsigned long counts[TOP_SIZE];
	struct top_entry at[TOP_SIZE];   /* their count is in counts[] */
};

/* An empty summary is all zero. */
void top_add(struct top *t, struct str policy, enum reason reason,
    struct str text);

/* Adds what another summary has of another part of the stream. */
void top_merge(struct top *into, const struct top *t);

/* Writes the max entries that surely came most often, the first the most, and
 * returns how many there are. */
size_t top_best(const struct top *t, struct top_entry *out, size_t max);

static inline struct str
top_policy(const struct top_entry *e)
{
	return (struct str){e->policy, e->npolicy};
}

/* What is kept of the text. */
static inline struct str
top_text(const struct top_entry *e)
{
	return (struct str){e->text, e->length < TOP_TEXT ? e->length :
	    TOP_TEXT};
}

static inline unsigned long
top_least(const struct top_entry *e)
{
	return e->count - e->excess;
}

#endif
