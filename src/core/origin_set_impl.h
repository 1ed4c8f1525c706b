/* origin_set_impl.h - the inside of an origin set, for the two files that share
 * it. */
#ifndef PREFLIGHTD_CORE_ORIGIN_SET_IMPL_H
#define PREFLIGHTD_CORE_ORIGIN_SET_IMPL_H

#include <stdint.h>

#include "core/origin_set.h"

/* Every entry is a record in one pool, in the order they were added; a number
 * that refers to one is its offset in words, plus 1, so that 0 is none. */
struct record {
	uint32_t file, line;
	uint16_t col, length;
	uint8_t kind;
	char text[];
};

enum { RECORD_WORDS_MIN = 4 }; /* the header and a byte of text */

/* An open-addressing table of records or patterns; at most half full. */
struct slot {
	uint32_t hash, ref;
};

struct table {
	struct slot *slots;
	uint32_t mask; /* one less than the number of slots; 0: no slots */
	uint32_t used;
};

struct pattern {
	struct origin origin; /* lengths, port, kind; no text */
	uint32_t ref, hash;
};

struct origin_set {
	uint32_t *pool;      /* words */
	size_t pool_used, pool_size;
	struct table exact;  /* by the whole origin; null is one of them */
	struct table hosts;  /* the first exact entry of each host */
	struct table by_suffix; /* numbers of patterns, plus 1 */
	struct pattern *patterns;
	size_t npatterns, patterns_size;
	size_t nexact;
	size_t longest;      /* bytes of the longest exact entry */
	uint32_t any;        /* the record of '*' */
	bool has_sub_port, has_sub_any, has_host_any; /* kinds of patterns */
	uint8_t digest[ORIGIN_SET_DIGEST]; /* by origin_set_seal */
};

void origin_set_entry(const struct origin_set *s, uint32_t ref,
    struct origin_entry *out);

/* The exact entry of that text, or 0. */
uint32_t origin_set_find(const struct origin_set *s, struct str text);

/* Some exact entry with that host, any scheme and port, or 0. */
uint32_t origin_set_find_host(const struct origin_set *s, struct str host);

/* The pattern that covers a request's origin, or NULL. */
const struct pattern *origin_set_find_pattern(const struct origin_set *s,
    const struct origin *o);

/* The pattern of the same text, or NULL. */
const struct pattern *origin_set_same_pattern(const struct origin_set *s,
    const struct origin *o);

/* Whether n entries are few enough to look at each. */
enum { ORIGIN_SET_SMALL = 64 };

#endif
