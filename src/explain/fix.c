/* fix.c - the changes within a policy; route.c has those for
 * requests that no policy serves. */
#include "config.h"

#include "explain/fix.h"

#include "base/buf.h"
#include "conf/edit.h"
#include "conf/keys.h"
#include "conf/lint.h"
#include "core/origin.h"

/* ---- edits ------------------------------------------------------------- */

/* Adds a literal, once. */
static void
fix_remark(struct fix_ctx *f, const char *text)
{
	for (size_t i = 0; i < f->out->nremarks; i++)
		if (f->out->remarks[i] == text)
			return;
	if (f->out->nremarks < FIX_REMARKS_MAX)
		f->out->remarks[f->out->nremarks++] = text;
}

void
fix_give_up(struct fix_ctx *f, const char *text)
{
	f->impossible = true;
	fix_remark(f, text);
}

struct fix *
fix_new(struct fix_ctx *f)
{
	struct fix *fix;

	if (f->out->count == FIXES_MAX) {
		fix_give_up(f, "too much would have to change: write a "
		    "policy of its own for this request");
		return NULL;
	}
	fix = &f->out->items[f->out->count++];
	*fix = (struct fix){.write = STR("")};
	return fix;
}

static struct str
key_name(enum policy_key key)
{
	size_t count;

	return str_of(conf_keys(SECTION_POLICY, &count)[key].name);
}

/* The change to a line, begun before or with the line as it is; NULL on
 * failure. */
static struct fix *
line_fix(struct fix_ctx *f, struct place at)
{
	const char *file = policy_set_file_name(f->set, at.file);
	struct source_line line;
	struct fix *fix;
	unsigned last;

	for (size_t i = 0; i < f->out->count; i++) {
		fix = &f->out->items[i];
		if (!fix->insert && fix->line == at.line &&
		    strcmp(fix->file, file) == 0)
			return fix;
	}
	if (source_read(file, at.line, f->arena, &line, &last) != 0 ||
	    line.text.p == NULL) {
		f->failed = true;
		return NULL;
	}
	fix = fix_new(f);
	if (fix == NULL)
		return NULL;
	fix->file = file;
	fix->line = at.line;
	fix->write = line.text;
	return fix;
}

/* The new line of a key that stands behind the policy's section line, begun
 * before or new and empty. */
static struct fix *
insert_fix(struct fix_ctx *f, const struct policy *p, enum policy_key key)
{
	struct fix *fix;

	for (size_t i = 0; i < f->out->count; i++) {
		fix = &f->out->items[i];
		if (fix->insert && fix->policy == p && fix->key == key)
			return fix;
	}
	fix = fix_new(f);
	if (fix == NULL)
		return NULL;
	fix->file = policy_set_file_name(f->set, p->section.file);
	fix->line = p->section.line;
	fix->insert = true;
	fix->policy = p;
	fix->key = key;
	return fix;
}

static void
store(struct fix_ctx *f, struct fix *fix, struct str line)
{
	if (line.p == NULL)
		f->failed = true;
	else
		fix->write = line;
}

bool
fix_is_own(struct fix_ctx *f, const struct policy *p, enum policy_key key)
{
	struct source_line line;
	unsigned last;

	if (!p->set[key])
		return false;
	if (source_read(policy_set_file_name(f->set, p->at[key].file),
	    p->at[key].line, f->arena, &line, &last) != 0) {
		f->failed = true;
		return false;
	}
	return line.section == p->section.line;
}

/* Writes a key of the policy anew, whatever it inherits. */
static void
set_own(struct fix_ctx *f, const struct policy *p, enum policy_key key,
    struct str value)
{
	bool own = fix_is_own(f, p, key);
	struct fix *fix = own ? line_fix(f, p->at[key]) :
	    insert_fix(f, p, key);

	if (fix != NULL)
		store(f, fix, source_set(own ? fix->write : STR(""),
		    key_name(key), value, f->arena));
}

void
fix_append(struct fix_ctx *f, const struct policy *p, enum policy_key key,
    struct str element)
{
	struct fix *fix = p->set[key] ? line_fix(f, p->at[key]) :
	    insert_fix(f, p, key);

	if (fix == NULL)
		return;
	if (p->set[key])
		fix->in_defaults = !fix_is_own(f, p, key);
	else if (fix->write.n == 0)
		store(f, fix, source_set(STR(""), key_name(key),
		    key == KEY_ALLOW_METHODS ? STR("GET, HEAD, POST") :
		    STR(""), f->arena));
	store(f, fix, source_append(fix->write, element, f->arena));
}

static void
replace_element(struct fix_ctx *f, struct place at, struct str element,
    struct str with)
{
	struct fix *fix = line_fix(f, at);

	if (fix != NULL)
		store(f, fix, source_replace(fix->write, element, with,
		    f->arena));
}

/* ---- origins ----------------------------------------------------------- */

static void
allow_insecure(struct fix_ctx *f, const struct policy *p)
{
	if (p->insecure_allowed)
		return;
	set_own(f, p, KEY_INSECURE_ORIGINS, STR("allow"));
	fix_remark(f, "the page is served without https: whoever is on "
	    "the way to it can act for its users; serve it over https "
	    "instead");
}

static bool
shares_list(const struct policy *a, const struct policy *b)
{
	const struct place *x = &a->at[KEY_ALLOW_ORIGINS];
	const struct place *y = &b->at[KEY_ALLOW_ORIGINS];

	return x->file == y->file && x->line == y->line;
}

static bool
credentials_after(const struct fix_ctx *f, const struct policy *p)
{
	return p->credentials ||
	    (p == f->policy && f->goal->query->request.credentials);
}

static const char null_remark[] =
    "'null' is the origin of every sandboxed frame, of pages from files and "
    "data: URLs, and of requests that were redirected from site to site: to "
    "allow it is to allow all of them; give the page a real origin instead";

/* Adds the page's origin to the list that the policy has, alone or with
 * others: each of them must still be good. */
static void
fix_origin(struct fix_ctx *f)
{
	struct str origin = f->goal->query->request.origin;
	bool null = str_eq(origin, STR("null"));

	if (origin_set_match(f->policy->origins, origin, NULL))
		return;
	if (null)
		fix_remark(f, null_remark);
	for (size_t i = 0; i < policy_set_count(f->set); i++) {
		const struct policy *p = policy_set_get(f->set, i);

		if (!shares_list(p, f->policy) || !credentials_after(f, p))
			continue;
		if (null) {
			fix_give_up(f, "no policy with allow-credentials "
			    "= yes can allow 'null'");
			return;
		}
		if (lint_is_insecure(origin))
			allow_insecure(f, p);
	}
	fix_append(f, f->policy, KEY_ALLOW_ORIGINS, origin);
}

/* ---- credentials ------------------------------------------------------- */

/* What stands in a list that credentials do not go with. */
struct risks {
	struct place any, null; /* line 0: there is none */
	bool insecure, suffix;
};

static int
look_at(void *ctx, const struct origin_entry *e)
{
	struct risks *r = ctx;

	if (e->kind == ORIGIN_ANY)
		r->any = e->at;
	else if (e->kind == ORIGIN_NULL)
		r->null = e->at;
	r->insecure = r->insecure || lint_is_insecure(e->text);
	r->suffix = r->suffix || lint_is_over_suffix(e->text);
	return 0;
}

/* Neither '*' nor 'null' goes with credentials. */
static void
narrow_origins(struct fix_ctx *f, const struct risks *r)
{
	const struct policy *p = f->policy;
	struct str origin = f->goal->query->request.origin;

	if (r->any.line == 0 && r->null.line == 0)
		return;
	fix_remark(f, "'*' and 'null' do not go with credentials: list "
	    "every origin whose pages may call, since no other can any "
	    "more; or let the page send no credentials");
	if (!fix_is_own(f, p, KEY_ALLOW_ORIGINS)) {
		set_own(f, p, KEY_ALLOW_ORIGINS, origin);
		return;
	}
	if (r->null.line > 0)
		replace_element(f, r->null, STR("null"), STR(""));
	if (r->any.line > 0)
		replace_element(f, r->any, STR("*"), origin);
}

static void
fix_credentials(struct fix_ctx *f)
{
	const struct policy *p = f->policy;
	struct risks r = {.insecure = false};

	if (!f->goal->query->request.credentials || p->credentials)
		return;
	if (str_eq(f->goal->query->request.origin, STR("null"))) {
		fix_give_up(f, "no policy with allow-credentials = yes can "
		    "allow 'null'");
		return;
	}
	set_own(f, p, KEY_ALLOW_CREDENTIALS, STR("yes"));
	fix_remark(f, "with credentials the page acts with its users' "
	    "rights: allow only origins that you trust with them");
	(void)origin_set_each(p->origins, look_at, &r);
	narrow_origins(f, &r);
	if (r.insecure || lint_is_insecure(f->goal->query->request.origin))
		allow_insecure(f, p);
	if (r.suffix && !p->suffixes_allowed)
		set_own(f, p, KEY_PUBLIC_SUFFIXES, STR("allow"));
	if (!p->expose.any)
		return;
	if (fix_is_own(f, p, KEY_EXPOSE_HEADERS))
		replace_element(f, p->expose.any_at, STR("*"), STR(""));
	else
		set_own(f, p, KEY_EXPOSE_HEADERS, STR(""));
}

/* ---- methods and headers ----------------------------------------------- */

static void
fix_method(struct fix_ctx *f)
{
	struct str method = f->goal->query->request.method;
	const struct field_set *methods = &f->policy->methods;
	bool folded = str_eq_fold(method, STR("patch"));

	if (method_is_safelisted(method) || methods->any ||
	    field_set_find(methods, method) != NULL)
		return;
	fix_append(f, f->policy, KEY_ALLOW_METHODS, method);
	if (folded && !str_eq(method, STR("PATCH")))
		fix_remark(f, "better write method: 'PATCH' in the page: "
		    "browsers send PATCH in the case in which script wrote "
		    "it, and servers compare it exactly");
}

/* The name as it was asked for. */
static struct str
given_name(const struct fix_ctx *f, struct str name)
{
	const struct headers *h = &f->goal->query->request.headers;

	for (size_t i = 0; i < h->count; i++)
		if (str_eq_fold(h->items[i].name, name))
			return h->items[i].name;
	return name;
}

static void
fix_header(struct fix_ctx *f, struct str name)
{
	const struct field_set *headers = &f->policy->headers;

	if (field_set_find(headers, name) != NULL || (headers->any &&
	    !str_eq_fold(name, STR("authorization"))))
		return;
	if (request_header_check(name, NULL, (struct place){0, 0, 0}) != 0) {
		fix_give_up(f, "take the Access-Control header out of the "
		    "request: such headers belong to the server's answer");
		return;
	}
	fix_append(f, f->policy, KEY_ALLOW_HEADERS, given_name(f, name));
}

static void
fix_expose(struct fix_ctx *f)
{
	const struct explain_query *q = f->goal->query;
	const struct browser_readable *readable = f->goal->readable;

	for (size_t i = 0; readable != NULL && i < q->nreads; i++) {
		if (browser_can_read(readable, q->reads[i]))
			continue;
		if (response_header_check(q->reads[i], NULL,
		    (struct place){0, 0, 0}) != 0)
			fix_remark(f, "no page can read Set-Cookie or a "
			    "header of CORS itself");
		else
			fix_append(f, f->policy, KEY_EXPOSE_HEADERS,
			    q->reads[i]);
	}
}

/* ---- all of it --------------------------------------------------------- */

static void
fix_policy(struct fix_ctx *f)
{
	const struct browser_plan *plan = f->goal->plan;

	fix_origin(f);
	fix_credentials(f);
	if (plan->preflight) {
		fix_method(f);
		for (size_t i = 0; i < plan->nnames; i++)
			fix_header(f, plan->names[i]);
	}
}

int
explain_fix(const struct policy_set *s, const struct fix_goal *w,
    struct arena *a, struct fixes *out)
{
	struct fix_ctx f = {.set = s, .goal = w, .arena = a, .out = out,
	    .policy = w->policy};

	out->count = out->nremarks = 0;
	if (w->blocked && method_is_forbidden(w->query->request.method))
		fix_give_up(&f, "no policy can allow it: use another "
		    "method");
	else if (w->blocked && f.policy == NULL)
		f.policy = fix_route(&f);
	if (w->blocked && f.policy != NULL)
		fix_policy(&f);
	if (f.policy != NULL)
		fix_expose(&f);
	if (f.impossible)
		out->count = 0;
	if (w->blocked && out->count == 0 && out->nremarks == 0)
		fix_remark(&f, "the answer has no room for so many header "
		    "names: send fewer");
	return f.failed ? -1 : 0;
}
