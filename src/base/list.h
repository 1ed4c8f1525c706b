/* list.h - a doubly linked list whose links stand inside its elements: moving
 * one from list to list costs a few stores and no memory. */
#ifndef PREFLIGHTD_BASE_LIST_H
#define PREFLIGHTD_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct link {
	struct link *prev, *next;
};

/* The element of a type that holds the link as its member. */
#define LIST_ELEMENT(link, type, member) \
	((type *)(void *)((char *)(link) - offsetof(type, member)))

/* Makes an empty list of l, or an element that is in none. */
static inline void
list_init(struct link *l)
{
	l->prev = l->next = l;
}

static inline bool
list_empty(const struct link *head)
{
	return head->next == head;
}

/* Takes l out of its list; harmless where it is in none. */
static inline void
list_remove(struct link *l)
{
	l->prev->next = l->next;
	l->next->prev = l->prev;
	list_init(l);
}

static inline void
list_append(struct link *head, struct link *l)
{
	l->prev = head->prev;
	l->next = head;
	head->prev->next = l;
	head->prev = l;
}

#endif
