/* arena.h - memory that is freed all at once: a policy lives in one. */
#ifndef PREFLIGHTD_BASE_ARENA_H
#define PREFLIGHTD_BASE_ARENA_H

#include <stddef.h>

#include "base/str.h"

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* n bytes, zeroed and aligned for any type, or NULL without memory.  They last
 * until arena_clear. */
void *arena_alloc(struct arena *a, size_t n);

/* count elements of size bytes; NULL also where the product overflows. */
void *arena_array(struct arena *a, size_t count, size_t size);

/* A copy of s, with a NUL behind it that is not counted; p is NULL without
 * memory. */
struct str arena_str(struct arena *a, struct str s);

/* The same in lower case. */
struct str arena_lower(struct arena *a, struct str s);

/* The texts as one, with a comma between two; p is NULL without memory. */
struct str arena_join(struct arena *a, const struct str *texts, size_t count);

/* Room for one more behind count items of size bytes, *cap of which have room:
 * the same, or a copy that is twice as large.  items may be NULL.  Returns NULL
 * without memory. */
void *arena_grow(struct arena *a, void *items, size_t count, size_t *cap,
    size_t size);

/* The same with memory of its own, which free() frees. */
void *array_grow(void *items, size_t count, size_t *cap, size_t size);

/* Frees everything and leaves the arena empty and usable. */
void arena_clear(struct arena *a);

#endif
