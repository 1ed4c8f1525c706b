/* openmetrics.c - OpenMetrics 1.0.0.  No label has a value that a client
 * could choose: what it sends must not make a time series. */
#include "config.h"

#include "status/status.h"

static void
family(FILE *f, const char *name, const char *type, const char *unit,
    const char *help)
{
	fprintf(f, "# TYPE preflightd_%s %s\n", name, type);
	if (unit != NULL)
		fprintf(f, "# UNIT preflightd_%s %s\n", name, unit);
	fprintf(f, "# HELP preflightd_%s %s\n", name, help);
}

static void
gauge(FILE *f, const char *name, const char *help, unsigned long value)
{
	family(f, name, "gauge", NULL, help);
	fprintf(f, "preflightd_%s %lu\n", name, value);
}

static void
seconds(FILE *f, const char *name, const char *help, int64_t value)
{
	family(f, name, "gauge", "seconds", help);
	fprintf(f, "preflightd_%s %lld\n", name, (long long)value);
}

/* A counter of the engine. */
static void
counter(const struct status *st, FILE *f, const char *name, const char *help,
    enum counter which)
{
	family(f, name, "counter", NULL, help);
	fprintf(f, "preflightd_%s_total %lu\n", name,
	    st->server.counters[which]);
}

struct labelled {
	const char *value;
	enum counter which;
};

/* Counters of the engine that one label tells apart. */
static void
counters(const struct status *st, FILE *f, const char *name, const char *label,
    const struct labelled *of, size_t n)
{
	for (size_t i = 0; i < n; i++)
		fprintf(f, "preflightd_%s_total{%s=\"%s\"} %lu\n", name, label,
		    of[i].value, st->server.counters[of[i].which]);
}

#define COUNTERS_OF(st, f, name, label, of)                                    \
	counters(st, f, name, label, of, sizeof(of) / sizeof(of)[0])

/* ---- policies ---------------------------------------------------------- */

static const char *const roles[LOAD_ROLES] = {
	[LOAD_LIVE] = "live",
	[LOAD_SHADOW] = "shadow",
};

/* How many of them there are. */
static size_t
role_count(const struct status *st)
{
	return status_has_shadow(st) ? LOAD_ROLES : LOAD_SHADOW;
}

static void
write_loads(const struct status *st, FILE *f)
{
	const struct policy_load *p = st->load.policy;

	family(f, "policy", "info", NULL, "The policy in use.");
	for (size_t i = 0; i < role_count(st); i++)
		fprintf(f, "preflightd_policy_info{role=\"%s\",digest=\"%s\"} "
		    "1\n", roles[i], p[i].digest);
	family(f, "policy_load_time_seconds", "gauge", "seconds",
	    "When the policy in use was loaded, since 1970.");
	for (size_t i = 0; i < role_count(st); i++)
		fprintf(f, "preflightd_policy_load_time_seconds{role=\"%s\"} "
		    "%lld\n", roles[i], (long long)p[i].loaded_at);
	family(f, "policy_last_load_successful", "gauge", NULL,
	    "1, or 0 where it was refused and the policy before it stays.");
	for (size_t i = 0; i < role_count(st); i++)
		fprintf(f, "preflightd_policy_last_load_successful{role=\"%s\"}"
		    " %d\n", roles[i], p[i].error[0] == '\0');
	family(f, "policy_loads", "counter", NULL, "Loads of a policy.");
	for (size_t i = 0; i < role_count(st); i++)
		fprintf(f, "preflightd_policy_loads_total{role=\"%s\","
		    "result=\"good\"} %lu\n"
		    "preflightd_policy_loads_total{role=\"%s\","
		    "result=\"refused\"} %lu\n", roles[i], p[i].loads,
		    roles[i], p[i].refusals);
}

static void
write_differences(const struct status *st, FILE *f)
{
	const struct shadow_row *d;

	if (!status_has_shadow(st))
		return;
	family(f, "shadow_differences", "counter", NULL,
	    "Preflights that the shadow policy decides differently.");
	for (size_t i = 0; i < st->ndifferences; i++) {
		d = &st->differences[i];
		fprintf(f, "preflightd_shadow_differences_total{policy=\"%.*s\""
		    ",before=\"%s\",after=\"%s\"} %lu\n", STR_ARG(d->policy),
		    reason_name(d->before), reason_name(d->after),
		    d->requests);
	}
}

static void
write_requests(const struct status *st, FILE *f)
{
	const struct metrics_row *row;

	family(f, "requests", "counter", NULL,
	    "Requests that were answered, by policy and reason.");
	for (size_t i = 0; i < st->nrows; i++) {
		row = &st->rows[i];
		for (size_t r = 0; r < REASON_COUNT; r++)
			fprintf(f, "preflightd_requests_total{policy=\"%s\","
			    "reason=\"%s\"} %lu\n", row->name,
			    reason_name((enum reason)r), row->of[r]);
	}
}

/* ---- connections ------------------------------------------------------- */

static void
write_connections(const struct status *st, FILE *f)
{
	static const struct labelled timeouts[] = {
		{"first", COUNT_TIMEOUT_FIRST},
		{"request", COUNT_TIMEOUT_REQUEST},
		{"answer", COUNT_TIMEOUT_ANSWER},
		{"idle", COUNT_TIMEOUT_IDLE},
	}, evictions[] = {
		{"connections", COUNT_EVICTED_CONNECTIONS},
		{"memory", COUNT_EVICTED_MEMORY},
	}, errors[] = {
		{"protocol", COUNT_PROTOCOL_ERRORS},
		{"peer", COUNT_PEER_ERRORS},
		{"cut-short", COUNT_CUT_SHORT},
		{"refused-peer", COUNT_REFUSED_PEERS},
		{"refused-memory", COUNT_REFUSED_MEMORY},
	};

	gauge(f, "connections", "Connections that are open.", st->server.open);
	gauge(f, "connections_max", "How many may be open.",
	    st->server.max_connections);
	counter(st, f, "connections_accepted", "Connections accepted.",
	    COUNT_ACCEPTED);
	counter(st, f, "connections_closed", "Connections closed.",
	    COUNT_CLOSED);
	family(f, "connection_timeouts", "counter", NULL,
	    "Connections closed for what did not come in time.");
	COUNTERS_OF(st, f, "connection_timeouts", "wait", timeouts);
	family(f, "connections_evicted", "counter", NULL,
	    "Connections closed as there were too many, or took too much.");
	COUNTERS_OF(st, f, "connections_evicted", "limit", evictions);
	family(f, "connection_errors", "counter", NULL,
	    "Connections that ended in an error.");
	COUNTERS_OF(st, f, "connection_errors", "error", errors);
	counter(st, f, "accept_pauses",
	    "Times without a place, descriptors or memory to accept.",
	    COUNT_ACCEPT_PAUSES);
	counter(st, f, "requests_aborted", "Requests the web server aborted.",
	    COUNT_ABORTED);
	counter(st, f, "requests_not_begun",
	    "Requests refused as multiplexed or of an unknown role.",
	    COUNT_REFUSED_BEGIN);
	counter(st, f, "management_records", "Management records answered.",
	    COUNT_MANAGEMENT);
	counter(st, f, "status_requests", "Requests for the status page.",
	    COUNT_STATUS);
}

void
status_write_metrics(const struct status *st, FILE *f)
{
	family(f, "build", "info", NULL, "The program.");
	fputs("preflightd_build_info{version=\"" PACKAGE_VERSION "\"} 1\n", f);
	seconds(f, "start_time_seconds", "When it was started, since 1970.",
	    st->load.started_at);
	seconds(f, "uptime_seconds", "How long it has been running.",
	    st->server.uptime / 1000000);
	gauge(f, "threads", "Threads that answer.", st->server.threads);
	write_loads(st, f);
	gauge(f, "policies", "Policies in use.",
	    policy_set_count(st->policies));
	gauge(f, "origins", "Entries that allow origins.", st->origins);
	gauge(f, "origins_never_seen",
	    "Of these, entries for which nobody came yet.", st->unseen);
	write_requests(st, f);
	write_connections(st, f);
	write_differences(st, f);
	family(f, "log_lines_lost", "counter", NULL,
	    "Lines that the log was too slow or too full for.");
	fprintf(f, "preflightd_log_lines_lost_total %lu\n", st->log_lost);
	fputs("# EOF\n", f);
}
