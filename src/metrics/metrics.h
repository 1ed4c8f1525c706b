/* metrics.h - what was counted: events and requests of each worker, requests by
 * policy and reason and in each minute, what is refused most; and which
 * policies were loaded when.  It outlives the policies.  Each worker adds to a
 * shard of its own under the shard's lock, and any thread reads. */
#ifndef PREFLIGHTD_METRICS_METRICS_H
#define PREFLIGHTD_METRICS_METRICS_H

#include "core/preflight.h"
#include "metrics/origin_usage.h"
#include "metrics/topk.h"

enum counter {
	COUNT_REQUESTS,           /* whole requests that were answered */
	COUNT_ACCEPTED,           /* connections */
	COUNT_CLOSED,
	COUNT_TIMEOUT_FIRST,      /* no first byte in time */
	COUNT_TIMEOUT_REQUEST,    /* half a request */
	COUNT_TIMEOUT_ANSWER,     /* an answer nobody read */
	COUNT_TIMEOUT_IDLE,       /* kept, without a further request */
	COUNT_EVICTED_CONNECTIONS, /* closed as there were too many */
	COUNT_EVICTED_MEMORY,     /* closed as half-sent requests took too
	                             much */
	COUNT_PROTOCOL_ERRORS,    /* closed: no FastCGI, or over a limit */
	COUNT_PEER_ERRORS,        /* closed: reading or writing failed */
	COUNT_CUT_SHORT,          /* the peer closed within a request */
	COUNT_ABORTED,            /* ABORT_REQUEST */
	COUNT_MANAGEMENT,         /* management records answered */
	COUNT_REFUSED_BEGIN,      /* CANT_MPX_CONN or UNKNOWN_ROLE */
	COUNT_REFUSED_PEERS,      /* not in FCGI_WEB_SERVER_ADDRS */
	COUNT_REFUSED_MEMORY,     /* accepted, and then no memory for it */
	COUNT_ACCEPT_PAUSES,      /* too many connections, or no descriptor or
	                             memory for one */
	COUNT_SHADOW_JUDGED,      /* preflights that a candidate judged too */
	COUNT_SHADOW_DIFFERENCES, /* and those of them it judged otherwise */
	COUNT_STATUS,             /* requests for the status page; in none of
	                             the others */
	COUNT_REASONS,            /* from here on one per enum reason */
	COUNTERS = COUNT_REASONS + REASON_COUNT
};

/* The word for a counter in logs and on the status page. */
const char *counter_name(size_t i);

enum {
	METRICS_MINUTES = 60,
	METRICS_MINUTE_US = 60000000,
	METRICS_POLICIES = 1000, /* of a file, with counts of their own */
	METRICS_GONE = 100,      /* policies beside them, in no file now */
};

/* Kinds of text that are refused. */
enum refused_kind { REFUSED_ORIGINS, REFUSED_METHODS, REFUSED_HEADERS,
	REFUSED_KINDS };

struct metrics;
struct metrics_shard;   /* a worker's part */
struct policy_counters; /* requests of one policy, by worker and reason */

/* Where the requests of one set of policies are counted. */
struct metrics_view {
	struct policy_counters *none;
	struct origin_usage *usage;
	struct policy_counters *rows[]; /* by policy->index */
};

/* For a number of workers.  Returns NULL without memory. */
struct metrics *metrics_new(size_t workers);
void metrics_free(struct metrics *m);

struct metrics_shard *metrics_shard(struct metrics *m, size_t worker);

/* A view for policies that last as long.  A policy of the same name goes on
 * from the counts that it had.  Returns NULL without memory. */
struct metrics_view *metrics_view_new(struct metrics *m,
    const struct policy_set *policies);
void metrics_view_free(struct metrics_view *v);

/* Takes over which origins have come to a view that no worker uses any more,
 * and adds up policies that are gone where there are too many. */
void metrics_carry(struct metrics *m, struct metrics_view *v,
    const struct metrics_view *old);

/* ---- counting, by the worker of the shard ------------------------------ */

/* The worker is awake at now, in us, and has not counted anything yet. */
void metrics_tick(struct metrics_shard *shard, int64_t now);

void metrics_count(struct metrics_shard *shard, enum counter which);

/* A request was decided so. */
void metrics_request(struct metrics_shard *shard, const struct metrics_view *v,
    const struct request *r, const struct decision *d);

/* ---- reading, by any thread -------------------------------------------- */

/* A counter, summed over the workers. */
unsigned long metrics_total(struct metrics *m, size_t counter);

struct metrics_row {
	char name[POLICY_NAME_MAX + 1]; /* "(none)" and "(others)" for those
	                                   without */
	bool in_use; /* it is one of the policies, or none of them */
	unsigned long of[REASON_COUNT];
};

/* All rows; of policies first.  Returns how many, or -1 without memory; the
 * caller frees *out. */
ptrdiff_t metrics_rows(struct metrics *m, const struct policy_set *policies,
    struct metrics_row **out);

/* What is refused most, of all workers, at most max of them. */
size_t metrics_refused(struct metrics *m, enum refused_kind kind,
    struct topk_entry *out, size_t max);

/* Requests in each minute of the last hour up to now, in us; the oldest
 * first. */
void metrics_last_hour(struct metrics *m, int64_t now,
    unsigned long out[METRICS_MINUTES][REASON_COUNT]);

/* ---- loads of policies, one state for the process ---------------------- */

/* The policy that answers, and the candidate beside it. */
enum load_role { LOAD_LIVE, LOAD_SHADOW, LOAD_ROLES };

enum { LOAD_ERROR_MAX = 512 };

/* Times are seconds since 1970, 0: never. */
struct policy_load {
	char digest[80];            /* of the one in use; "": none */
	int64_t loaded_at;          /* when it was */
	unsigned long loads;        /* good ones, the first too */
	unsigned long refusals;     /* loads after which the old one stayed */
	int64_t refused_at;         /* the last of them */
	char error[LOAD_ERROR_MAX]; /* why the last load was refused; "":
	                               good */
};

struct load_state {
	int64_t started_at;
	int64_t started_us;         /* the same, of clock_us */
	struct policy_load policy[LOAD_ROLES];
};

/* The process begins. */
void load_state_start(void);

/* A policy is in use from now on; its digest is copied. */
void load_state_loaded(enum load_role role, const char *digest);

/* A load failed; text, cut where it is too long, says why. */
void load_state_refused(enum load_role role, const char *text);

/* Copies what is known now. */
void load_state_get(struct load_state *out);

#endif
