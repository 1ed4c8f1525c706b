/* origin_set.h - the set of origins that a policy allows: exact ones in a hash
 * table, patterns in another that is asked once per label of the host, so that
 * the cost of a look-up does not depend on how many there are. */
#ifndef PREFLIGHTD_CORE_ORIGIN_SET_H
#define PREFLIGHTD_CORE_ORIGIN_SET_H

#include <stdint.h>

#include "base/diag.h"
#include "base/str.h"
#include "core/origin.h"

struct origin_set;

/* Where an entry of the set stands; text lasts as long as the set. */
struct origin_entry {
	struct str text;
	struct place at;
	enum origin_kind kind;
	uint32_t slot; /* a number of its own, below origin_set_slots */
};

struct origin_set *origin_set_new(void);
void origin_set_free(struct origin_set *s);

/* Makes room for about n more entries at once; without memory nothing
 * happens. */
void origin_set_reserve(struct origin_set *s, size_t n);

enum origin_added { ORIGIN_ADDED, ORIGIN_DUPLICATE, ORIGIN_NO_MEMORY };

/* Adds an entry that origin_parse accepted.  For a duplicate *earlier is where
 * it stands already. */
enum origin_added origin_set_add(struct origin_set *s, const struct origin *o,
    struct place at, struct place *earlier);

/* Finds the entry that allows the Origin of a request, byte for byte: '*'
 * first, then exact and null, then patterns.  Allocates nothing.  *out, where
 * it is not NULL, is filled if true is returned. */
bool origin_set_match(const struct origin_set *s, struct str origin,
    struct origin_entry *out);

bool origin_set_any(const struct origin_set *s); /* has '*' */
size_t origin_set_exact(const struct origin_set *s);    /* null included */
size_t origin_set_patterns(const struct origin_set *s);

/* All entries. */
static inline size_t
origin_set_count(const struct origin_set *s)
{
	return origin_set_exact(s) + origin_set_patterns(s) +
	    origin_set_any(s);
}

/* Calls fn for each entry in the order they were added until it returns
 * non-zero, and returns that. */
int origin_set_each(const struct origin_set *s,
    int (*fn)(void *ctx, const struct origin_entry *e), void *ctx);

/* Goes from entry to entry in that order: *at is 0 at first.  Returns false
 * behind the last one. */
bool origin_set_next(const struct origin_set *s, size_t *at,
    struct origin_entry *out);

/* How many numbers the slots of its entries may have; some are nobody's. */
size_t origin_set_slots(const struct origin_set *s);

/* The entry of this set that has the text of another's. */
bool origin_set_twin(const struct origin_set *s, const struct origin_entry *e,
    struct origin_entry *out);

/* The entry of a set that a refused Origin most likely meant, and how they
 * differ. */
enum near_kind {
	NEAR_NONE,
	NEAR_CASE,      /* upper and lower case */
	NEAR_SLASH,     /* the Origin has a path */
	NEAR_SCHEME,    /* http for https, or the other way round */
	NEAR_PORT,      /* same scheme and host, other port */
	NEAR_DEFAULT_PORT, /* the Origin writes its scheme's default port */
	NEAR_APEX,      /* the bare domain of a *. pattern */
	NEAR_WWW,       /* with or without www. */
	NEAR_DOT,       /* a trailing dot */
	NEAR_LABEL,     /* what a pattern's '*' stands for is no label */
	NEAR_SPELLING,  /* a few letters (small sets only), or another form */
};
enum near_kind origin_set_nearest(const struct origin_set *s,
    struct str origin, struct origin_entry *out);

/* Whether a pattern of the set, or its '*', covers the exact origin text;
 * *out is that pattern. */
bool origin_set_covered(const struct origin_set *s, struct str text,
    struct origin_entry *out);

/* How a set allows all that an entry of this or another set allows: not, by
 * an entry of the same text, or by '*' or a pattern that covers it. */
enum origin_cover { ORIGIN_UNCOVERED, ORIGIN_LISTED, ORIGIN_COVERED };

/* *by is the entry that does, unless it is ORIGIN_UNCOVERED. */
enum origin_cover origin_set_cover(const struct origin_set *s,
    const struct origin_entry *e, struct origin_entry *by);

enum { ORIGIN_SET_DIGEST = 32 };

/* Makes the digest: SHA-256 over the entries, sorted, each behind its length,
 * without those that others cover: without them the set would allow the same.
 * Nothing may be added after it.  Returns 0, or -1 without memory. */
int origin_set_seal(struct origin_set *s);

/* Of a sealed set. */
const uint8_t *origin_set_digest(const struct origin_set *s);

#endif
