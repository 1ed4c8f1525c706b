#include "config.h"

#include "explain/explain.h"

#include "base/escape.h"

enum { TEXT_MAX = 1024 };

static json_t *
json_texts(const struct str *items, size_t count)
{
	json_t *array = json_array();

	for (size_t i = 0; i < count; i++)
		if (!json_add(&array, json_text(items[i])))
			break;
	return array;
}

static json_t *
json_headers(const struct headers *h)
{
	json_t *array = json_array();

	for (size_t i = 0; i < h->count; i++)
		if (!json_add(&array, json_pack("[o, o]",
		    json_text(h->items[i].name),
		    json_text(h->items[i].value))))
			break;
	return array;
}

static json_t *
json_request(const struct explain_query *q)
{
	static const char *const flags[] = {
		[FLAG_NONE] = NULL,
		[FLAG_UPLOAD_LISTENER] = "upload-listener",
		[FLAG_STREAM] = "stream",
	};

	return json_pack("{s:o, s:o, s:o, s:b, s:o, s:s?}",
	    "method", json_text(q->request.method),
	    "url", json_text(q->url.text),
	    "origin", json_text(q->request.origin),
	    "credentials", q->request.credentials,
	    "headers", json_headers(&q->given),
	    "flag", flags[q->request.flag]);
}

static json_t *
json_ignored(const struct explain_query *q)
{
	json_t *array = json_array();

	for (size_t i = 0; i < q->nignored; i++)
		if (!json_add(&array, json_pack("{s:o, s:s}",
		    "name", json_text(q->ignored[i].name),
		    "text", q->ignored[i].why)))
			break;
	return array;
}

static json_t *
json_triggers(const struct browser_plan *plan)
{
	json_t *array = json_array();

	for (size_t i = 0; i < plan->ntriggers; i++) {
		const struct trigger *t = &plan->triggers[i];
		char space[TEXT_MAX];
		struct buf text = BUF(space);

		trigger_explain(t, &text);
		if (!json_add(&array, json_pack("{s:s, s:o, s:o}",
		    "kind", trigger_kind_name(t->kind),
		    "name", json_text(t->name),
		    "text", json_text(buf_str(&text)))))
			break;
	}
	return array;
}

static json_t *
json_sent(const struct explanation *e)
{
	if (!e->plan.preflight)
		return json_null();
	return json_pack("{s:s, s:o, s:o}", "method", "OPTIONS",
	    "target", json_text(e->query->url.target),
	    "headers", json_headers(&e->sent));
}

static json_t *
json_answer(const struct explanation *e)
{
	if (!e->plan.preflight || e->answer.status == 0)
		return json_null();
	return json_pack("{s:i, s:o}", "status", e->answer.status,
	    "headers", json_headers(&e->answer.headers));
}

static json_t *
json_failures(const struct explanation *e)
{
	json_t *array = json_array();

	for (size_t i = 0; i < e->failures.count; i++) {
		const struct browser_failure *f = &e->failures.items[i];
		char space[TEXT_MAX];
		struct buf text = BUF(space);

		browser_failure_explain(f, &e->query->request, &text);
		if (!json_add(&array, json_pack("{s:s, s:s, s:o}",
		    "step", browser_code_step(f->code),
		    "code", browser_code_name(f->code),
		    "message", json_text(buf_str(&text)))))
			break;
	}
	return array;
}

static json_t *
json_fixes(const struct fixes *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->count; i++)
		if (!json_add(&array, json_pack(
		    "{s:o, s:i, s:o, s:s}",
		    "file", json_text(str_of(f->items[i].file)),
		    "line", (int)f->items[i].line,
		    "write", json_text(f->items[i].write),
		    "action", f->items[i].insert ? "insert-after" :
		    "replace")))
			break;
	return array;
}

/* What may be read; "*" stands for every other name. */
static json_t *
json_readable(const struct browser_readable *r)
{
	json_t *array = json_texts(r->names, r->count);

	if (array != NULL && r->all &&
	    json_array_append_new(array, json_string("*")) != 0) {
		json_decref(array);
		return NULL;
	}
	return array;
}

static json_t *
json_actual(const struct explanation *e)
{
	return json_pack("{s:o, s:o}",
	    "headers", json_headers(&e->actual.headers),
	    "readable", json_readable(&e->readable));
}

static json_t *
json_differences(const struct verify_findings *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->count; i++)
		if (!json_add(&array, json_pack(
		    "{s:s, s:s, s:o, s:s, s:i}",
		    "id", verify_id_name(f->items[i].id),
		    "case", f->items[i].of->name,
		    "text", json_text(f->items[i].text),
		    "hint", verify_id_hint(f->items[i].id,
		        f->items[i].of->kind),
		    "status", f->items[i].status)))
			break;
	return array;
}

/* Adds the member that is there with --live alone. */
static int
add_live(const struct explanation *e, json_t *root)
{
	const struct explain_live *live = e->live;

	if (live == NULL)
		return 0;
	return json_object_set_new(root, "live", json_pack(
	    "{s:o, s:b, s:o, s:o}",
	    "error", live->no_answer.n > 0 ? json_text(live->no_answer) :
	    json_null(), "sent", live->sent,
	    "status", e->actual.status > 0 ? json_integer(e->actual.status) :
	    json_null(),
	    "differences", json_differences(&live->differences)));
}

/* A place, or null. */
static json_t *
json_place(const struct explanation *e, struct place at)
{
	if (at.line == 0)
		return json_null();
	return json_pack("{s:o, s:i}", "file",
	    json_text(str_of(policy_set_file_name(e->set, at.file))),
	    "line", (int)at.line);
}

/* Adds the members that say which policy decided and how. */
static int
add_policy(const struct explanation *e, json_t *root)
{
	const struct policy *p = e->policy;
	const char *file = p != NULL ?
	    policy_set_file_name(e->set, p->section.file) : NULL;

	return json_object_update_new(root, json_pack(
	    "{s:o, s:o, s:o, s:s?, s:o, s:o}",
	    "policy", p != NULL ? json_text(p->name) : json_null(),
	    "file", file != NULL ? json_text(str_of(file)) : json_null(),
	    "line", p != NULL ? json_integer(p->section.line) : json_null(),
	    "reason", e->set != NULL ? reason_name(e->reason) : NULL,
	    "detail", json_text(e->detail),
	    "rule", json_place(e, e->rule)));
}

int
explain_print_json(const struct explanation *e, FILE *to)
{
	json_t *root = json_pack("{s:o, s:o, s:b, s:b, s:o, s:o}",
	    "request", json_request(e->query),
	    "ignored", json_ignored(e->query),
	    "cors", e->plan.cors, "preflight", e->plan.preflight,
	    "triggers", json_triggers(&e->plan),
	    "preflight_request", json_sent(e));
	int ret = -1;

	if (root == NULL || add_policy(e, root) != 0 ||
	    json_object_update_new(root, json_pack(
	        "{s:o, s:s, s:s, s:o, s:o, s:o, s:o}",
	        "answer", json_answer(e),
	        "profile", browser_engines[e->query->profile].name,
	        "browser", e->goes_on ? "goes-on" : "blocked",
	        "failures", json_failures(e), "fix", json_fixes(&e->fixes),
	        "actual", json_actual(e),
	        "notes", json_texts(e->notes, e->nnotes))) != 0 ||
	    add_live(e, root) != 0)
		goto out;
	if (json_print(root, to, JSON_INDENT(2)) != 0 || putc('\n', to) == EOF)
		goto out;
	ret = 0;
out:
	json_decref(root);
	return ret;
}
