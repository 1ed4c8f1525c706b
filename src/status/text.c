#include "config.h"

#include "status/status.h"

#include "base/clock.h"
#include "base/escape.h"

static void
line(FILE *f, const char *key, const char *value)
{
	fprintf(f, "%-22s %s\n", key, value);
}

static void
number(FILE *f, const char *key, unsigned long value)
{
	fprintf(f, "%-22s %lu\n", key, value);
}

static void
write_policy(const struct policy_load *p, FILE *f)
{
	char when[CLOCK_TEXT];
	int64_t at;
	const char *result = status_reload(p, &at);

	line(f, "digest:", p->digest[0] != '\0' ? p->digest : "none");
	line(f, "loaded:", clock_text(when, p->loaded_at));
	fprintf(f, "%-22s %s", "last reload:", result);
	if (at != 0)
		fprintf(f, " at %s", clock_text(when, at));
	fputc('\n', f);
	if (p->error[0] != '\0')
		line(f, "error:", p->error);
	number(f, "loads:", p->loads);
	number(f, "refused loads:", p->refusals);
}

static void
write_requests(const struct status *st, FILE *f)
{
	const struct metrics_row *row;

	number(f, "requests:", st->server.counters[COUNT_REQUESTS]);
	for (size_t i = 0; i < st->nrows; i++) {
		row = &st->rows[i];
		for (size_t r = 0; r < REASON_COUNT; r++)
			if (row->of[r] > 0)
				fprintf(f, "  %-40s %-14s %lu\n", row->name,
				    reason_name((enum reason)r), row->of[r]);
	}
}

static void
write_counters(const struct status *st, FILE *f)
{
	number(f, "open:", st->server.open);
	number(f, "max-connections:", st->server.max_connections);
	for (size_t i = COUNT_REQUESTS + 1; i < COUNT_REASONS; i++)
		fprintf(f, "%s:%*s %lu\n", counter_name(i),
		    21 - (int)strlen(counter_name(i)), "",
		    st->server.counters[i]);
	number(f, "log-lines-lost:", st->log_lost);
}

static void
write_refused(const struct status_refusals *list, FILE *f)
{
	const struct status_refused *x;

	for (size_t i = 0; i < list->n; i++) {
		x = &list->at[i];
		fprintf(f, "  %s%lu  ", x->entry.excess > 0 ? ">=" : "",
		    topk_least(&x->entry));
		escape_print(f, topk_text(&x->entry));
		fprintf(f, "%s\n    %s", x->entry.length > TOPK_TEXT ? "..." :
		    "", reason_name(x->entry.reason));
		if (x->entry.npolicy > 0)
			fprintf(f, ", policy %.*s",
			    STR_ARG(topk_policy(&x->entry)));
		if (x->line > 0) {
			fputs(", ", f);
			escape_controls(f, str_of(x->file));
			fprintf(f, ":%u", x->line);
		}
		if (x->allowed_now)
			fputs(": allowed by now", f);
		else if (x->why[0] != '\0')
			fprintf(f, ": %s", x->why);
		fputc('\n', f);
	}
}

static void
write_missing(const struct status *st, FILE *f)
{
	const struct unused_origin *m;

	fprintf(f, "%zu of %zu\n", st->unseen, st->origins);
	for (size_t i = 0; i < st->nmissing; i++) {
		m = &st->missing[i];
		fputs("  ", f);
		escape_print(f, m->entry.text);
		fputs("  ", f);
		escape_controls(f, str_of(policy_set_file_name(st->policies,
		    m->entry.at.file)));
		fprintf(f, ":%u\n", m->entry.at.line);
	}
	if (st->unseen > st->nmissing && st->nmissing > 0)
		fprintf(f, "  ... and %zu more\n", st->unseen - st->nmissing);
}

static void
write_differences(const struct status *st, FILE *f)
{
	const struct shadow_row *d;

	for (size_t i = 0; i < st->ndifferences; i++) {
		d = &st->differences[i];
		fprintf(f, "  %.*s  %s -> %s  %lu\n", STR_ARG(d->policy),
		    reason_name(d->before), reason_name(d->after),
		    d->requests);
	}
	if (st->ndifferences == 0)
		fputs("  no difference\n", f);
}

void
status_write_text(const struct status *st, FILE *f)
{
	char when[CLOCK_TEXT];

	line(f, "preflightd:", PACKAGE_VERSION);
	line(f, "status:", st->nproblems == 0 ? "healthy" : "attention");
	for (size_t i = 0; i < st->nproblems; i++)
		fprintf(f, "  %s\n", st->problems[i]);
	line(f, "now:", clock_text(when, st->now));
	line(f, "started:", clock_text(when, st->load.started_at));
	number(f, "uptime:", (unsigned long)(st->server.uptime / 1000000));
	number(f, "threads:", st->server.threads);
	fputs("\nPOLICY\n", f);
	number(f, "policies:", policy_set_count(st->policies));
	write_policy(&st->load.policy[LOAD_LIVE], f);
	fputs("\nREQUESTS\n", f);
	write_requests(st, f);
	fputs("\nCONNECTIONS\n", f);
	write_counters(st, f);
	for (size_t k = 0; k < REFUSED_KINDS; k++) {
		fprintf(f, "\nTOP REFUSED: %s\n",
		    status_kind_name((enum refused_kind)k));
		write_refused(&st->refused[k], f);
	}
	fputs("\nALLOWED ORIGINS NEVER SEEN: ", f);
	write_missing(st, f);
	if (status_has_shadow(st)) {
		fputs("\nSHADOW\n", f);
		write_policy(&st->load.policy[LOAD_SHADOW], f);
		write_differences(st, f);
	}
}
