#include "config.h"

#include "serve/crowd.h"

#include <unistd.h>

bool
crowd_enter(struct crowd *c)
{
	unsigned n = atomic_load(&c->open);

	while (n < c->max)
		if (atomic_compare_exchange_weak(&c->open, &n, n + 1))
			return true;
	return false;
}

void
crowd_force(struct crowd *c)
{
	atomic_fetch_add(&c->open, 1);
}

void
crowd_leave(struct crowd *c)
{
	atomic_fetch_sub(&c->open, 1);
	crowd_call(c);
}

void
crowd_want(struct crowd *c, struct crowd_member *m)
{
	atomic_store(&m->called, false);
	atomic_store(&c->wanted, true);
}

void
crowd_call(struct crowd *c)
{
	if (!atomic_load(&c->wanted) || !atomic_exchange(&c->wanted, false))
		return;
	for (size_t i = 0; i < c->nmembers; i++) {
		atomic_store(&c->members[i]->called, true);
		crowd_wake(c->members[i]);
	}
}

struct crowd_member *
crowd_choose(const struct crowd *c, int64_t now, int64_t *when)
{
	struct crowd_member *idle = NULL, *quiet = NULL;
	int64_t at, idlest = INT64_MAX, quietest = INT64_MAX;

	for (size_t i = 0; i < c->nmembers; i++) {
		at = atomic_load(&c->members[i]->idle);
		if (at < idlest) {
			idlest = at;
			idle = c->members[i];
		}
		at = atomic_load(&c->members[i]->quiet);
		if (at < quietest) {
			quietest = at;
			quiet = c->members[i];
		}
	}
	if (idle != NULL)
		return idle;
	/* Where none is shown at all, another worker is about to. */
	*when = (quiet != NULL ? quietest : now) + CROWD_QUIET_US;
	return quiet != NULL && *when <= now ? quiet : NULL;
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
	atomic_store(&m->evict, true);
	crowd_wake(m);
}
