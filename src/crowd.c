#include "config.h"

#include "crowd.h"

#include <unistd.h>

struct crowd_member *
crowd_quietest(const struct crowd *c)
{
	struct crowd_member *found = c->members[0];
	int64_t at, best = INT64_MAX;

	for (size_t i = 0; i < c->nmembers; i++) {
		at = atomic_load_explicit(&c->members[i]->quietest,
		    memory_order_relaxed);
		if (at < best) {
			best = at;
			found = c->members[i];
		}
	}
	return found;
}

void
crowd_wake(const struct crowd_member *m)
{
	uint64_t one = 1;
	ssize_t n;

	/* It fails only where the counter is full: then it is awake. */
	n = write(m->wake, &one, sizeof one);
	(void)n;
}

void
crowd_ask(struct crowd_member *m)
{
	atomic_fetch_add(&m->evict, 1);
	crowd_wake(m);
}
