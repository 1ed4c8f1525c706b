#include "config.h"

#include "base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK_MIN = 4096, BLOCK_MAX = 256 * 1024, ITEMS_MIN = 8 };

struct arena_block {
	struct arena_block *next;
	size_t used, cap;
	alignas(max_align_t) char data[];
};

static struct arena_block *
block_new(size_t cap)
{
	struct arena_block *b;

	if (cap > SIZE_MAX - sizeof(*b))
		return NULL;
	b = calloc(1, sizeof(*b) + cap);
	if (b != NULL)
		b->cap = cap;
	return b;
}

/* A block with room for n bytes, or NULL.  What is large gets a block of its
 * own behind the first, so that the room left there is still used. */
static struct arena_block *
block_for(struct arena *a, size_t n)
{
	struct arena_block *head = a->blocks, *b;
	size_t cap = BLOCK_MIN;

	if (head != NULL && n <= head->cap - head->used)
		return head;
	if (head != NULL && head->cap < BLOCK_MAX)
		cap = head->cap < BLOCK_MIN ? BLOCK_MIN : head->cap * 2;
	else if (head != NULL)
		cap = BLOCK_MAX;
	b = block_new(n > cap / 2 ? n : cap);
	if (b == NULL)
		return NULL;
	if (head != NULL && n > cap / 2) {
		b->next = head->next;
		head->next = b;
	} else {
		b->next = head;
		a->blocks = b;
	}
	return b;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	const size_t mask = alignof(max_align_t) - 1;
	struct arena_block *b;
	void *p;

	if (n > SIZE_MAX - mask)
		return NULL;
	n = n == 0 ? mask + 1 : (n + mask) & ~mask;
	b = block_for(a, n);
	if (b == NULL)
		return NULL;
	p = b->data + b->used;
	b->used += n;
	return p;
}

void *
arena_array(struct arena *a, size_t count, size_t size)
{
	if (size != 0 && count > SIZE_MAX / size)
		return NULL;
	return arena_alloc(a, count * size);
}

static char *
copy(struct arena *a, struct str s)
{
	char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

	if (p != NULL && s.n > 0)
		memcpy(p, s.p, s.n);
	return p;
}

struct str
arena_str(struct arena *a, struct str s)
{
	const char *p = copy(a, s);

	return (struct str){p, p != NULL ? s.n : 0};
}

struct str
arena_lower(struct arena *a, struct str s)
{
	char *p = copy(a, s);

	for (size_t i = 0; p != NULL && i < s.n; i++)
		p[i] = (char)ascii_lower((unsigned char)p[i]);
	return (struct str){p, p != NULL ? s.n : 0};
}

struct str
arena_join(struct arena *a, const struct str *texts, size_t count)
{
	size_t n = 0, at = 0;
	char *p;

	for (size_t i = 0; i < count; i++)
		n += texts[i].n + 1;
	if ((p = arena_alloc(a, n + 1)) == NULL)
		return (struct str){NULL, 0};
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			p[at++] = ',';
		if (texts[i].n > 0)
			memcpy(p + at, texts[i].p, texts[i].n);
		at += texts[i].n;
	}
	return (struct str){p, at};
}

void *
arena_grow(struct arena *a, void *items, size_t count, size_t *cap, size_t size)
{
	size_t larger = *cap > 0 ? 2 * *cap : ITEMS_MIN;
	void *moved;

	if (count < *cap)
		return items;
	if ((moved = arena_array(a, larger, size)) == NULL)
		return NULL;
	if (count > 0)
		memcpy(moved, items, count * size);
	*cap = larger;
	return moved;
}

void *
array_grow(void *items, size_t count, size_t *cap, size_t size)
{
	size_t larger = *cap > 0 ? 2 * *cap : ITEMS_MIN;
	void *moved;

	if (count < *cap)
		return items;
	moved = reallocarray(items, larger, size);
	if (moved != NULL)
		*cap = larger;
	return moved;
}

void
arena_clear(struct arena *a)
{
	while (a->blocks != NULL) {
		struct arena_block *b = a->blocks;

		a->blocks = b->next;
		free(b);
	}
}
