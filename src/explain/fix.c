/* fix.c - the changes within a policy; route.c has those for
 * requests that no policy serves. */
#include "config.h"

#include "explain/fix.h"

#include "base/buf.h"
#include "conf/edit.h"
#include "conf/keys.h"
#include "conf/lint.h"
#include "core/origin.h"
#include "explain/explain.h"
#include "explain/fix_impl.h"

/* ---- edits ------------------------------------------------------------- */

/* Adds a literal, once. */
static void
fixing_remark(struct fixing *f, const char *text)
{
	for (size_t i = 0; i < f->out->nremarks; i++)
		if (f->out->remarks[i] == text)
			return;
	if (f->out->nremarks < FIX_REMARKS_MAX)
		f->out->remarks[f->out->nremarks++] = text;
}

void
fixing_give_up(struct fixing *f, const char *text)
{
	f->impossible = true;
	fixing_remark(f, text);
}

struct fix *
fixing_new(struct fixing *f)
{
	struct fix *fix;

	if (f->out->count == FIXES_MAX) {
		fixing_give_up(f, "too much would have to change: write a "
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
line_fix(struct fixing *f, struct place at)
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
	fix = fixing_new(f);
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
insert_fix(struct fixing *f, const struct policy *p, enum policy_key key)
{
	struct fix *fix;

	for (size_t i = 0; i < f->out->count; i++) {
		fix = &f->out->items[i];
		if (fix->insert && fix->policy == p && fix->key == key)
			return fix;
	}
	fix = fixing_new(f);
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
store(struct fixing *f, struct fix *fix, struct str line)
{
	if (line.p == NULL)
		f->failed = true;
	else
		fix->write = line;
}

/* Whether the policy sets the key in its own section. */
bool
fixing_is_own(struct fixing *f, const struct policy *p, enum policy_key key)
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
set_own(struct fixing *f, const struct policy *p, enum policy_key key,
    struct str value)
{
	bool own = fixing_is_own(f, p, key);
	struct fix *fix = own ? line_fix(f, p->at[key]) :
	    insert_fix(f, p, key);

	if (fix != NULL)
		store(f, fix, source_set(own ? fix->write : STR(""),
		    key_name(key), value, f->arena));
}

void
fixing_append(struct fixing *f, const struct policy *p, enum policy_key key,
    struct str element)
{
	struct fix *fix = p->set[key] ? line_fix(f, p->at[key]) :
	    insert_fix(f, p, key);

	if (fix == NULL)
		return;
	if (p->set[key])
		fix->in_defaults = !fixing_is_own(f, p, key);
	else if (fix->write.n == 0)
		store(f, fix, source_set(STR(""), key_name(key),
		    key == KEY_ALLOW_METHODS ? STR("GET, HEAD, POST") :
		    STR(""), f->arena));
	store(f, fix, source_append(fix->write, element, f->arena));
}

static void
replace_element(struct fixing *f, struct place at, struct str element,
    struct str with)
{
	struct fix *fix = line_fix(f, at);

	if (fix != NULL)
		store(f, fix, source_replace(fix->write, element, with,
		    f->arena));
}

/* ---- origins ----------------------------------------------------------- */

static void
allow_insecure(struct fixing *f, const struct policy *p)
{
	if (p->insecure_allowed)
		return;
	set_own(f, p, KEY_INSECURE_ORIGINS, STR("allow"));
	fixing_remark(f, "the page is served without https: whoever is on "
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
credentials_after(const struct fixing *f, const struct policy *p)
{
	return p->credentials ||
	    (p == f->policy && f->wishes->query->request.credentials);
}

static const char null_remark[] =
    "'null' is the origin of every sandboxed frame, of pages from files and "
    "data: URLs, and of requests that were redirected from site to site: to "
    "allow it is to allow all of them; give the page a real origin instead";

/* Adds the page's origin to the list that the policy has, alone or with
 * others: each of them must still be good. */
static void
fix_origin(struct fixing *f)
{
	struct str origin = f->wishes->query->request.origin;
	bool null = str_eq(origin, STR("null"));

	if (origin_set_match(f->policy->origins, origin, NULL))
		return;
	if (null)
		fixing_remark(f, null_remark);
	for (size_t i = 0; i < policy_set_count(f->set); i++) {
		const struct policy *p = policy_set_get(f->set, i);

		if (!shares_list(p, f->policy) || !credentials_after(f, p))
			continue;
		if (null) {
			fixing_give_up(f, "no policy with allow-credentials "
			    "= yes can allow 'null'");
			return;
		}
		if (lint_is_insecure(origin))
			allow_insecure(f, p);
	}
	fixing_append(f, f->policy, KEY_ALLOW_ORIGINS, origin);
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
narrow_origins(struct fixing *f, const struct risks *r)
{
	const struct policy *p = f->policy;
	struct str origin = f->wishes->query->request.origin;

	if (r->any.line == 0 && r->null.line == 0)
		return;
	fixing_remark(f, "'*' and 'null' do not go with credentials: list "
	    "every origin whose pages may call, since no other can any "
	    "more; or let the page send no credentials");
	if (!fixing_is_own(f, p, KEY_ALLOW_ORIGINS)) {
		set_own(f, p, KEY_ALLOW_ORIGINS, origin);
		return;
	}
	if (r->null.line > 0)
		replace_element(f, r->null, STR("null"), STR(""));
	if (r->any.line > 0)
		replace_element(f, r->any, STR("*"), origin);
}

static void
fix_credentials(struct fixing *f)
{
	const struct policy *p = f->policy;
	struct risks r = {.insecure = false};

	if (!f->wishes->query->request.credentials || p->credentials)
		return;
	if (str_eq(f->wishes->query->request.origin, STR("null"))) {
		fixing_give_up(f, "no policy with allow-credentials = yes can "
		    "allow 'null'");
		return;
	}
	set_own(f, p, KEY_ALLOW_CREDENTIALS, STR("yes"));
	fixing_remark(f, "with credentials the page acts with its users' "
	    "rights: allow only origins that you trust with them");
	(void)origin_set_each(p->origins, look_at, &r);
	narrow_origins(f, &r);
	if (r.insecure || lint_is_insecure(f->wishes->query->request.origin))
		allow_insecure(f, p);
	if (r.suffix && !p->suffixes_allowed)
		set_own(f, p, KEY_PUBLIC_SUFFIXES, STR("allow"));
	if (!p->expose.any)
		return;
	if (fixing_is_own(f, p, KEY_EXPOSE_HEADERS))
		replace_element(f, p->expose.any_at, STR("*"), STR(""));
	else
		set_own(f, p, KEY_EXPOSE_HEADERS, STR(""));
}

/* ---- methods and headers ----------------------------------------------- */

static void
fix_method(struct fixing *f)
{
	struct str method = f->wishes->query->request.method;
	const struct field_set *methods = &f->policy->methods;
	bool folded = str_eq_fold(method, STR("patch"));

	if (method_is_safelisted(method) || methods->any ||
	    field_set_find(methods, method) != NULL)
		return;
	fixing_append(f, f->policy, KEY_ALLOW_METHODS, method);
	if (folded && !str_eq(method, STR("PATCH")))
		fixing_remark(f, "better write method: 'PATCH' in the page: "
		    "browsers send PATCH in the case in which script wrote "
		    "it, and servers compare it exactly");
}

/* The name as it was asked for. */
static struct str
given_name(const struct fixing *f, struct str name)
{
	const struct headers *h = &f->wishes->query->request.headers;

	for (size_t i = 0; i < h->count; i++)
		if (str_eq_fold(h->items[i].name, name))
			return h->items[i].name;
	return name;
}

static void
fix_header(struct fixing *f, struct str name)
{
	const struct field_set *headers = &f->policy->headers;

	if (field_set_find(headers, name) != NULL || (headers->any &&
	    !str_eq_fold(name, STR("authorization"))))
		return;
	if (request_header_check(name, NULL, (struct place){0, 0, 0}) != 0) {
		fixing_give_up(f, "take the Access-Control header out of the "
		    "request: such headers belong to the server's answer");
		return;
	}
	fixing_append(f, f->policy, KEY_ALLOW_HEADERS, given_name(f, name));
}

static void
fix_expose(struct fixing *f)
{
	const struct explain_query *q = f->wishes->query;
	const struct browser_readable *readable = f->wishes->readable;

	for (size_t i = 0; readable != NULL && i < q->nreads; i++) {
		if (browser_can_read(readable, q->reads[i]))
			continue;
		if (response_header_check(q->reads[i], NULL,
		    (struct place){0, 0, 0}) != 0)
			fixing_remark(f, "no page can read Set-Cookie or a "
			    "header of CORS itself");
		else
			fixing_append(f, f->policy, KEY_EXPOSE_HEADERS,
			    q->reads[i]);
	}
}

/* ---- all of it --------------------------------------------------------- */

static void
fix_policy(struct fixing *f)
{
	const struct browser_plan *plan = f->wishes->plan;

	fix_origin(f);
	fix_credentials(f);
	if (plan->preflight) {
		fix_method(f);
		for (size_t i = 0; i < plan->nnames; i++)
			fix_header(f, plan->names[i]);
	}
}

int
explain_fix(const struct policy_set *s, const struct fix_wishes *w,
    struct arena *a, struct fixes *out)
{
	struct fixing f = {.set = s, .wishes = w, .arena = a, .out = out,
	    .policy = w->policy};

	out->count = out->nremarks = 0;
	if (w->blocked && method_is_forbidden(w->query->request.method))
		fixing_give_up(&f, "no policy can allow it: use another "
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
		fixing_remark(&f, "the answer has no room for so many header "
		    "names: send fewer");
	return f.failed ? -1 : 0;
}
