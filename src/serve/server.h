/* server.h - the workers, the policies they answer from, and the limits over
 * all of them. */
#ifndef PREFLIGHTD_SERVE_SERVER_H
#define PREFLIGHTD_SERVE_SERVER_H

#include <stdint.h>

#include "core/policy.h"
#include "metrics/metrics.h"
#include "metrics/shadow.h"
#include "serve/listen.h"

struct server_options {
	unsigned threads;
	unsigned max_connections;
	int64_t timeout, idle_timeout, grace; /* us */
	bool log_requests;
	const char *status_path; /* "": no status page; must last as long */
};

struct server;

/* Starts the workers; every signal that the caller waits for must be blocked.
 * The policies, and the candidate to be judged beside them, which may be NULL,
 * become the server's.  listeners must last until server_stop returns.  Returns
 * NULL with errno, the policies then still the caller's. */
struct server *server_start(const struct server_options *o,
    struct listen_set *listeners, struct policy_set *policies,
    struct policy_set *candidate);

/* Makes all workers use other policies, another candidate or both, NULL: the
 * same as before, in one step.  They become the server's, and what they replace
 * is freed, as no request uses it any more.  For the thread that started the
 * server.  Returns 0, or -1 without memory: then nothing changed. */
int server_swap(struct server *s, struct policy_set *policies,
    struct policy_set *candidate);

/* The comparison with the candidate, or NULL without one; until the next
 * server_swap, for the thread that calls that. */
const struct shadow *server_shadow(const struct server *s);

/* Whether every worker has come round since this was called last, or the server
 * stops; makes all of them come round until the next time.  From any thread,
 * but one at a time. */
bool server_progress(struct server *s);

/* Stops accepting, closes the listeners, finishes what is in flight, within
 * the grace; then the threads have ended. */
void server_stop(struct server *s);

/* A counter, summed over the workers. */
unsigned long server_count(const struct server *s, size_t counter);

void server_free(struct server *s);

#endif
