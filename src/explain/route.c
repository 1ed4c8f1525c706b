/* route.c - changes for a request that no policy serves: a host or a
 * path more for one that nearly does, else a new policy. */
#include "config.h"

#include "explain/fix.h"

#include "base/buf.h"
#include "conf/edit.h"
#include "core/origin.h"
#include "core/target.h"

struct wanted {
	struct str host; /* as a policy writes it */
	struct str path;
};

/* ---- what the request needs -------------------------------------------- */

/* Shortens ctx, a text, to the segments that it has in common with reading. */
static bool
keep_common(void *ctx, struct str reading)
{
	struct str *text = ctx;
	size_t n = 0;

	while (n < text->n && n < reading.n && text->p[n] == reading.p[n])
		n++;
	if ((n < text->n && text->p[n] != '/') ||
	    (n < reading.n && reading.p[n] != '/'))
		do
			n--;
		while (n > 0 && text->p[n] != '/');
	text->n = n;
	return true;
}

/* The longest prefix that a policy file may write and that covers the path in
 * every reading.  Returns false for a path that servers read in different ways
 * from its first segment on. */
static bool
wanted_path(struct fix_ctx *f, struct str *out)
{
	struct str raw = f->goal->query->url.path, text;
	char *space = arena_alloc(f->arena, raw.n);

	f->failed = f->failed || space == NULL;
	if (space == NULL || !path_plain(raw, space, raw.n, &text))
		return false;
	bool root = text.n == 1;
	if (!path_readings(raw, STR(""), false, keep_common, &text) ||
	    (text.n <= 1 && !root))
		return false;
	while (text.n > 0 && path_check(text, out, NULL,
	    (struct place){0, 0, 0}) != 0)
		while (text.n > 0 && text.p[--text.n] != '/')
			;
	*out = text.n > 0 ? text : STR("/");
	return true;
}

static bool
wanted_host(struct fix_ctx *f, struct str *out)
{
	char space[TARGET_HOST_MAX];
	struct str host = {space, 0};

	if (host_normalize(f->goal->query->url.host, space, &host.n) !=
	    HOST_GOOD)
		return false;
	*out = arena_str(f->arena, host);
	f->failed = f->failed || out->p == NULL;
	return out->p != NULL;
}

/* ---- policies that nearly serve it ------------------------------------- */

size_t
host_claim_rank(struct str claim, struct str host)
{
	if (str_eq(claim, STR("*")))
		return 1;
	if (str_eq(claim, host))
		return TARGET_HOST_MAX + 2;
	if (!str_starts(claim, STR("*.")) || host.n < claim.n ||
	    !str_ends(host, str_from(claim, 1)))
		return 0;
	return claim.n;
}

static bool
serves_host(const struct policy *p, struct str host)
{
	for (size_t i = 0; i < p->nhosts; i++)
		if (host_claim_rank(p->hosts[i].text, host) > 0)
			return true;
	return false;
}

static bool
serves_path(const struct policy *p, struct str path)
{
	for (size_t i = 0; i < p->npaths; i++)
		if (path_under(path, p->paths[i].text))
			return true;
	return false;
}

static bool
has_claim(const struct claim *claims, size_t count, struct str text)
{
	for (size_t i = 0; i < count; i++)
		if (str_eq(claims[i].text, text))
			return true;
	return false;
}

static bool
share_claim(const struct claim *a, size_t na, const struct claim *b, size_t nb)
{
	for (size_t i = 0; i < na; i++)
		if (has_claim(b, nb, a[i].text))
			return true;
	return false;
}

/* Whether another policy claims what p would claim with one more. */
static bool
is_claimed(const struct policy_set *s, const struct policy *p,
    enum policy_key key, const struct wanted *w)
{
	for (size_t i = 0; i < policy_set_count(s); i++) {
		const struct policy *o = policy_set_get(s, i);

		if (o == p)
			continue;
		if (key == KEY_HOST ? has_claim(o->hosts, o->nhosts, w->host) &&
		        share_claim(o->paths, o->npaths, p->paths, p->npaths) :
		    has_claim(o->paths, o->npaths, w->path) &&
		        share_claim(o->hosts, o->nhosts, p->hosts, p->nhosts))
			return true;
	}
	return false;
}

/* The first policy that serves the one and lacks the other, and allows the
 * origin already. */
static const struct policy *
find_nearest(struct fix_ctx *f, const struct wanted *w, enum policy_key lacks)
{
	for (size_t i = 0; i < policy_set_count(f->set); i++) {
		const struct policy *p = policy_set_get(f->set, i);
		bool near = lacks == KEY_PATH ? serves_host(p, w->host) :
		    serves_path(p, w->path);

		if (near && fix_is_own(f, p, lacks) &&
		    origin_set_match(p->origins,
		        f->goal->query->request.origin, NULL) &&
		    !is_claimed(f->set, p, lacks, w))
			return p;
	}
	return NULL;
}

/* ---- a new policy ------------------------------------------------------ */

/* A name made of the host that no policy has. */
static void
add_name(const struct fix_ctx *f, struct str host, struct buf *out)
{
	size_t start = out->n;

	for (size_t i = 0; i < host.n && i < POLICY_NAME_MAX - 4; i++)
		buf_char(out, host_byte_valid((unsigned char)host.p[i]) ?
		    host.p[i] : '-');
	size_t end = out->n;
	for (unsigned long n = 2; policy_set_named(f->set,
	    str_from(buf_str(out), start)) != NULL && n < 1000; n++) {
		out->n = end;
		buf_char(out, '-');
		buf_uint(out, n);
	}
}

static void
add_line(struct buf *out, const char *key, struct str value)
{
	buf_add(out, STR("\n"));
	buf_add(out, str_of(key));
	buf_add(out, STR(" = "));
	buf_add(out, value);
}

static void
add_credentials(const struct browser_request *r, struct buf *out)
{
	struct origin o;
	bool secure = origin_parse(r->origin, &o, NULL,
	    (struct place){0, 0, 0}) == 0 && origin_is_secure(&o);

	if (!r->credentials) {
		/* What [defaults] says may be another. */
		add_line(out, "allow-credentials", STR("no"));
		return;
	}
	add_line(out, "allow-credentials", STR("yes"));
	add_line(out, "expose-headers", STR(""));
	if (!secure)
		add_line(out, "insecure-origins", STR("allow"));
}

static struct str
new_policy(struct fix_ctx *f, const struct wanted *w)
{
	const struct browser_request *r = &f->goal->query->request;
	const struct browser_plan *plan = f->goal->plan;
	size_t cap = 512 + w->host.n * 2 + w->path.n + r->origin.n +
	    r->method.n + 2 * plan->joined.n;
	struct buf b = {arena_alloc(f->arena, cap), 0, cap, false};

	if (b.p == NULL) {
		f->failed = true;
		return STR("");
	}
	buf_add(&b, STR("[policy "));
	add_name(f, w->host, &b);
	buf_add(&b, STR("]"));
	add_line(&b, "host", w->host);
	add_line(&b, "path", w->path);
	add_line(&b, "allow-origins", r->origin);
	if (plan->preflight && !method_is_safelisted(r->method))
		add_line(&b, "allow-methods", r->method);
	if (plan->nnames > 0)
		add_line(&b, "allow-headers", plan->joined);
	add_credentials(r, &b);
	return buf_str(&b);
}

static void
add_policy(struct fix_ctx *f, const struct wanted *w)
{
	struct source_line line;
	struct fix *fix;
	unsigned last;
	const char *file = policy_set_file_name(f->set,
	    policy_set_get(f->set, 0)->section.file);

	if (f->goal->query->request.credentials &&
	    str_eq(f->goal->query->request.origin, STR("null"))) {
		fix_give_up(f, "no policy with allow-credentials = yes can "
		    "allow 'null'");
		return;
	}
	if (source_read(file, ~0U, f->arena, &line, &last) != 0) {
		f->failed = true;
		return;
	}
	fix = fix_new(f);
	if (fix == NULL)
		return;
	fix->file = file;
	fix->line = last;
	fix->insert = true;
	fix->write = new_policy(f, w);
}

/* A header of CORS itself cannot be listed. */
static bool
can_list(const struct browser_plan *plan)
{
	for (size_t i = 0; i < plan->nnames; i++)
		if (request_header_check(plan->names[i], NULL,
		    (struct place){0, 0, 0}) != 0)
			return false;
	return true;
}

const struct policy *
fix_route(struct fix_ctx *f)
{
	static const enum policy_key lists[] = {KEY_PATH, KEY_HOST};
	struct wanted w;

	if (!wanted_path(f, &w.path)) {
		fix_give_up(f, "no policy can serve this path: servers "
		    "read it in different ways; write it without escapes, "
		    "'..' and ';'");
		return NULL;
	}
	if (!wanted_host(f, &w.host) || !can_list(f->goal->plan)) {
		fix_give_up(f, "no policy can name this request's host or "
		    "headers");
		return NULL;
	}
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct policy *p = find_nearest(f, &w, lists[i]);

		if (p == NULL)
			continue;
		fix_append(f, p, lists[i], lists[i] == KEY_PATH ? w.path :
		    w.host);
		return p;
	}
	add_policy(f, &w);
	return NULL;
}
