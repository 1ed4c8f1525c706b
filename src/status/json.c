#include "config.h"

#include "status/status.h"

#include "base/escape.h"

/* Text of the program's own, which may hold a file's name. */
static json_t *
own_text(const char *s)
{
	return json_text(str_of(s));
}

/* Seconds since 1970, or null. */
static json_t *
moment(int64_t t)
{
	return t != 0 ? json_integer((json_int_t)t) : json_null();
}

static json_t *
number(unsigned long n)
{
	return json_integer((json_int_t)n);
}

/* Counts by reason. */
static json_t *
reasons(const unsigned long of[REASON_COUNT])
{
	json_t *o = json_object();

	for (size_t r = 0; r < REASON_COUNT; r++)
		json_object_set_new(o, reason_name((enum reason)r),
		    number(of[r]));
	return o;
}

static json_t *
policy(const struct policy_load *p)
{
	int64_t when;
	const char *result = status_reload(p, &when);

	return json_pack("{so so sI sI s{ss so so so}}",
	    "digest", p->digest[0] != '\0' ? own_text(p->digest) : json_null(),
	    "loaded_at", moment(p->loaded_at),
	    "loads", (json_int_t)p->loads,
	    "refused_loads", (json_int_t)p->refusals,
	    "last_reload", "result", result, "at", moment(when),
	    "error", p->error[0] != '\0' ? own_text(p->error) :
	        json_null(),
	    "refused_at", moment(p->refused_at));
}

static json_t *
live(const struct status *st)
{
	json_t *o = policy(&st->load.policy[LOAD_LIVE]);

	json_object_set_new(o, "policies",
	    number(policy_set_count(st->policies)));
	json_object_set_new(o, "origins", number(st->origins));
	return o;
}

static json_t *
shadow(const struct status *st)
{
	const struct shadow_row *d;
	json_t *o, *list = json_array();

	for (size_t i = 0; i < st->ndifferences; i++) {
		d = &st->differences[i];
		json_array_append_new(list, json_pack("{so ss ss sI}",
		    "policy", json_text(d->policy),
		    "before", reason_name(d->before),
		    "after", reason_name(d->after),
		    "requests", (json_int_t)d->requests));
	}
	o = policy(&st->load.policy[LOAD_SHADOW]);
	json_object_set_new(o, "differences", list);
	return o;
}

static json_t *
requests(const struct status *st)
{
	json_t *list = json_array();

	for (size_t i = 0; i < st->nrows; i++)
		json_array_append_new(list, json_pack("{ss sb so}",
		    "policy", st->rows[i].name, "in_use", st->rows[i].in_use,
		    "reasons", reasons(st->rows[i].of)));
	return json_pack("{sI so so}",
	    "total", (json_int_t)st->server.counters[COUNT_REQUESTS],
	    "reasons", reasons(st->server.counters + COUNT_REASONS),
	    "policies", list);
}

static json_t *
connections(const struct status *st)
{
	json_t *o = json_pack("{sI sI}",
	    "open", (json_int_t)st->server.open,
	    "max", (json_int_t)st->server.max_connections);
	char key[64];
	struct buf b;

	for (size_t i = COUNT_REQUESTS + 1; i < COUNT_REASONS; i++) {
		b = BUF(key);
		status_key(&b, counter_name(i));
		json_object_set_new(o, buf_cstr(&b),
		    number(st->server.counters[i]));
	}
	return o;
}

static json_t *
refused_one(const struct status_refused *x)
{
	struct str by = topk_policy(&x->entry);

	return json_pack("{so ss so sI sI sb so so so}",
	    "text", json_text(topk_text(&x->entry)),
	    "reason", reason_name(x->entry.reason),
	    "policy", by.n > 0 ? json_text(by) : json_null(),
	    "count", (json_int_t)topk_least(&x->entry),
	    "count_max", (json_int_t)x->entry.count,
	    "allowed_now", x->allowed_now,
	    "explanation", own_text(x->why),
	    "file", x->line > 0 ? own_text(x->file) : json_null(),
	    "line", x->line > 0 ? number(x->line) : json_null());
}

static json_t *
refused(const struct status *st)
{
	json_t *o = json_object(), *list;

	for (size_t k = 0; k < REFUSED_KINDS; k++) {
		list = json_array();
		for (size_t i = 0; i < st->refused[k].n; i++)
			json_array_append_new(list,
			    refused_one(&st->refused[k].at[i]));
		json_object_set_new(o, status_kind_name((enum refused_kind)k),
		    list);
	}
	return o;
}

static json_t *
missing(const struct status *st)
{
	json_t *list = json_array();
	const struct unused_origin *m;

	for (size_t i = 0; i < st->nmissing; i++) {
		m = &st->missing[i];
		json_array_append_new(list, json_pack("{so so so sI}",
		    "origin", json_text(m->entry.text),
		    "policy", json_text(m->policy->name),
		    "file", own_text(policy_set_file_name(st->policies,
		        m->entry.at.file)),
		    "line", (json_int_t)m->entry.at.line));
	}
	return json_pack("{sI so}", "count", (json_int_t)st->unseen,
	    "origins", list);
}

/* For each reason the minutes, the oldest first. */
static json_t *
history(const struct status *st)
{
	json_t *o = json_object(), *list;

	for (size_t r = 0; r < REASON_COUNT; r++) {
		list = json_array();
		for (size_t i = 0; i < METRICS_MINUTES; i++)
			json_array_append_new(list,
			    number(st->last_hour[i][r]));
		json_object_set_new(o, reason_name((enum reason)r), list);
	}
	return o;
}

static json_t *
problems(const struct status *st)
{
	json_t *list = json_array();

	for (size_t i = 0; i < st->nproblems; i++)
		json_array_append_new(list, own_text(st->problems[i]));
	return list;
}

void
status_write_json(const struct status *st, FILE *f)
{
	/* Where a part is NULL, for want of memory, the whole is. */
	json_t *o = json_pack("{ss sb so sI so sI sI so so so sI so so so so}",
	    "version", PACKAGE_VERSION,
	    "healthy", st->nproblems == 0,
	    "problems", problems(st),
	    "now", (json_int_t)st->now,
	    "started_at", moment(st->load.started_at),
	    "uptime", (json_int_t)(st->server.uptime / 1000000),
	    "threads", (json_int_t)st->server.threads,
	    "policy", live(st),
	    "requests", requests(st),
	    "connections", connections(st),
	    "log_lines_lost", (json_int_t)st->log_lost,
	    "refused", refused(st),
	    "never_seen", missing(st),
	    "shadow", status_has_shadow(st) ? shadow(st) : json_null(),
	    "last_hour", history(st));

	if (o == NULL)
		return;
	if (json_print(o, f, 0) == 0)
		fputc('\n', f);
	json_decref(o);
}
