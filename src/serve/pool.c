#include "config.h"

#include "serve/pool.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	PIECE = 4096,     /* the smallest, and the only kept, size */
	PIECES_KEPT = 256,
};

struct pool_piece {
	struct pool_piece *next;
};

static void
memory_give(struct pool *pool, void *p, size_t cap)
{
	struct pool_piece *piece = p;

	if (cap != PIECE || pool->nfree >= PIECES_KEPT) {
		free(p);
		return;
	}
	piece->next = pool->free;
	pool->free = piece;
	pool->nfree++;
}

/* Moves h to memory of at least need bytes. */
static int
held_grow(struct held *h, struct pool *pool, size_t need)
{
	void *p;
	size_t cap = h->cap > 0 ? h->cap : PIECE;

	while (cap < need) {
		if (cap > SIZE_MAX / 2)
			return -1;
		cap *= 2;
	}
	if (cap == PIECE && pool->free != NULL) {
		p = pool->free;
		pool->free = pool->free->next;
		pool->nfree--;
	} else if ((p = malloc(cap)) == NULL) {
		return -1;
	}
	if (h->n > 0)
		memcpy(p, h->p, h->n);
	if (h->p != NULL)
		memory_give(pool, h->p, h->cap);
	pool->held += cap - h->cap;
	h->p = p;
	h->cap = cap;
	return 0;
}

int
held_add(struct held *h, struct pool *pool, const void *p, size_t n)
{
	if (n == 0)
		return 0;
	if (n > SIZE_MAX - h->n)
		return -1;
	if (h->n + n > h->cap && held_grow(h, pool, h->n + n) == -1)
		return -1;
	memcpy(h->p + h->n, p, n);
	h->n += n;
	return 0;
}

void
held_release(struct held *h, struct pool *pool)
{
	if (h->p == NULL)
		return;
	pool->held -= h->cap;
	memory_give(pool, h->p, h->cap);
	*h = (struct held){NULL, 0, 0};
}

void
pool_clear(struct pool *pool)
{
	struct pool_piece *piece;

	while ((piece = pool->free) != NULL) {
		pool->free = piece->next;
		free(piece);
	}
	pool->nfree = 0;
}
