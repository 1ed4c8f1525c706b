/* pool.h - the memory of a worker that its connections hold between two
 * wake-ups: half a request, an answer that is not read yet.  It is counted, and
 * the usual small piece is kept for the next one that needs it. */
#ifndef PREFLIGHTD_SERVE_POOL_H
#define PREFLIGHTD_SERVE_POOL_H

#include <stdbool.h>
#include <stddef.h>

struct pool_piece;

struct pool {
	struct pool_piece *free;
	size_t nfree;
	size_t held; /* bytes in use by all connections */
	size_t max;  /* above it pool_is_over; nothing is refused here */
};

/* Bytes that a connection holds; all zero is none. */
struct held {
	unsigned char *p;
	size_t n, cap;
};

/* Appends n bytes.  Returns 0, or -1 without memory; then h is as it was. */
int held_add(struct held *h, struct pool *pool, const void *p, size_t n);

/* Gives the memory back and leaves h empty. */
void held_release(struct held *h, struct pool *pool);

static inline bool
pool_is_over(const struct pool *pool)
{
	return pool->held > pool->max;
}

/* Frees what the pool keeps; nothing may be held any more. */
void pool_clear(struct pool *pool);

#endif
