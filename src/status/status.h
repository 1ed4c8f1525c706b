/* status.h - what an operator asks of a running server, gathered at once and
 * told as text, JSON, OpenMetrics or a page. */
#ifndef PREFLIGHTD_STATUS_STATUS_H
#define PREFLIGHTD_STATUS_STATUS_H

#include <stdio.h>

#include "core/request.h"
#include "metrics/metrics.h"
#include "metrics/origin_usage.h"
#include "metrics/shadow.h"
#include "metrics/topk.h"

/* ---- which requests are for the status page ---------------------------- */

enum { STATUS_PATH_MAX = 1000 };

enum status_form { STATUS_TEXT, STATUS_JSON, STATUS_METRICS, STATUS_HTML };

struct status_ask {
	enum status_form form;
	bool head;    /* without the body */
	bool refused; /* another method than GET and HEAD */
};

/* Whether a path can be that of the status page: as it is compared, "/a/b". */
bool status_path_valid(struct str path);

/* Whether a request, which is not OPTIONS, has exactly this path, decoded as
 * web servers do. "" is nobody's path.  Fills *out if so. */
bool status_asked(struct str path, const struct request *r,
    struct status_ask *out);

/* ---- what it says ------------------------------------------------------ */

enum {
	STATUS_LISTED = 20, /* entries of a list of origins, methods, headers */
	STATUS_WHY = 640,
	STATUS_PROBLEMS = 4,
};

/* What is refused often, seen from the policies that answer now. */
struct status_refused {
	struct topk_entry entry;
	bool allowed_now;    /* the policy has been changed */
	char why[STATUS_WHY]; /* the nearest miss, escaped; or "" */
	const char *file;    /* the place to change, "" where there is none */
	unsigned line;
};

struct status_refusals {
	size_t n;
	struct status_refused at[STATUS_LISTED];
};

struct status_figures {
	unsigned long counters[COUNTERS]; /* summed over the workers */
	unsigned long open, max_connections, threads;
	int64_t uptime;                   /* us */
};

struct status {
	int64_t now;         /* seconds since 1970 */
	struct load_state load;
	struct status_figures server;
	const struct policy_set *policies;
	struct metrics_row *rows;
	size_t nrows;
	struct status_refusals refused[REFUSED_KINDS];
	size_t origins, unseen; /* entries, and those nobody came for yet */
	size_t nmissing;
	struct unused_origin missing[STATUS_LISTED]; /* the first of unseen */
	unsigned long last_hour[METRICS_MINUTES][REASON_COUNT];
	struct shadow_row *differences; /* of the candidate policy */
	size_t ndifferences;
	unsigned long log_lost; /* lines */
	size_t nproblems;    /* 0: healthy */
	const char *problems[STATUS_PROBLEMS];
};

struct status_response {
	char *p; /* malloc's; the caller frees it */
	size_t n;
};

/* What the one who answers hands over.  The policies are those that answer
 * now. */
struct status_input {
	const struct policy_set *policies;
	const struct shadow *shadow; /* or NULL */
	struct origin_usage *usage;
	struct metrics *metrics;
	unsigned long open, max_connections, threads;
};

/* Makes the whole response.  Returns 0, or -1 without memory. */
int status_respond(const struct status_input *in, const struct status_ask *ask,
    struct status_response *out);

/* The words for the last reload: "none", "good" or "refused", and when. */
const char *status_reload(const struct policy_load *p, int64_t *when);

static inline bool
status_has_shadow(const struct status *st)
{
	const struct policy_load *p = &st->load.policy[LOAD_SHADOW];

	return p->loads > 0 || p->refusals > 0;
}

/* "origins", "methods" or "headers". */
const char *status_kind_name(enum refused_kind kind);

/* A name in counters, with a '_' in place of each '-'. */
void status_key(struct buf *b, const char *name);

/* Write the body; errors are in f. */
void status_write_text(const struct status *st, FILE *f);
void status_write_json(const struct status *st, FILE *f);
void status_write_metrics(const struct status *st, FILE *f);
void status_write_html(const struct status *st, FILE *f);

#endif
