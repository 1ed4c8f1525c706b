#include "config.h"

#include "metrics/facts.h"

#include <pthread.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct facts facts;

void
facts_start(void)
{
	pthread_mutex_lock(&lock);
	facts = (struct facts){.started_at = (int64_t)time(NULL),
	    .started_us = clock_us()};
	pthread_mutex_unlock(&lock);
}

void
facts_loaded(enum facts_role role, const char *digest)
{
	struct facts_policy *p = &facts.policy[role];

	pthread_mutex_lock(&lock);
	snprintf(p->digest, sizeof p->digest, "%s", digest);
	p->loaded_at = (int64_t)time(NULL);
	p->loads++;
	p->refused[0] = '\0';
	pthread_mutex_unlock(&lock);
}

void
facts_refused(enum facts_role role, const char *text)
{
	struct facts_policy *p = &facts.policy[role];

	pthread_mutex_lock(&lock);
	p->refusals++;
	p->refused_at = (int64_t)time(NULL);
	snprintf(p->refused, sizeof p->refused, "%s", text);
	pthread_mutex_unlock(&lock);
}

void
facts_get(struct facts *out)
{
	pthread_mutex_lock(&lock);
	*out = facts;
	pthread_mutex_unlock(&lock);
}
