#include "config.h"

#include "verify/verify.h"

#include <stdint.h>
#include <sys/random.h>

#include "base/buf.h"

enum { TOKEN_BYTES = 8, TEXT_MAX = 1024, HEADERS_MAX = 3 };

/* ---- sending ----------------------------------------------------------- */

/* A word that neither a path nor a cache has. */
static int
make_token(struct arena *a, struct str *out)
{
	unsigned char bytes[TOKEN_BYTES];
	char text[2 * TOKEN_BYTES];
	struct buf b = BUF(text);

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -1;
	buf_hex(&b, bytes, sizeof(bytes));
	*out = arena_str(a, buf_str(&b));
	return out->p != NULL ? 0 : -1;
}

/* Sends a case as a browser would, to the URL given. */
static int
send_case(const struct verify *v, struct verify_server *server,
    const struct verify_case *c, struct str url, struct http_result *out)
{
	struct header headers[HEADERS_MAX];
	struct http_request r = {.url = url, .method = c->method};
	size_t n = 0;

	if (c->origin.n > 0)
		headers[n++] = (struct header){STR("Origin"), c->origin};
	if (c->kind == VERIFY_PREFLIGHT) {
		r.method = STR("OPTIONS");
		headers[n++] = (struct header){
		    STR("Access-Control-Request-Method"), c->method};
		if (c->joined.n > 0)
			headers[n++] = (struct header){
			    STR("Access-Control-Request-Headers"), c->joined};
	}
	r.headers = (struct headers){headers, n};
	server->requests++;
	return http_ask(v->http, &r, &server->arena, out);
}

/* ---- no answer --------------------------------------------------------- */

static enum verify_id
outcome_id(enum http_outcome outcome)
{
	switch (outcome) {
	case HTTP_NO_TLS:
		return VERIFY_TLS;
	case HTTP_TIMED_OUT:
		return VERIFY_TIMEOUT;
	case HTTP_NO_HTTP:
		return VERIFY_NOT_HTTP;
	case HTTP_ANSWERED:
	case HTTP_UNREACHABLE:
	default:
		return VERIFY_UNREACHABLE;
	}
}

static int
add_no_answer(struct verify_server *server, const struct verify_case *c,
    const struct http_result *result)
{
	struct verify_finding f = {.id = outcome_id(result->outcome), .of = c};
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	buf_add(&b, STR("no answer: "));
	buf_escaped(&b, result->error, TEXT_MAX / 8);
	f.text = arena_str(&server->arena, buf_str(&b));
	if (f.text.p == NULL)
		return -1;
	return verify_findings_add(&server->findings, &f, &server->arena);
}

/* ---- caches ------------------------------------------------------------ */

/* Whether a cache may be behind the finding. */
static bool
is_suspect(const struct verify_finding *f)
{
	return f->of->kind == VERIFY_ACTUAL && (f->id == VERIFY_ORIGIN_WRONG ||
	    f->id == VERIFY_ORIGIN_MISSING || f->id == VERIFY_ERROR_HEADERS ||
	    f->id == VERIFY_ORIGIN_GRANTED);
}

static const struct verify_finding *
find_suspect(const struct verify_findings *f)
{
	for (size_t i = 0; i < f->count; i++)
		if (is_suspect(&f->items[i]))
			return &f->items[i];
	return NULL;
}

/* The URL with a query that no cache has an answer for. */
static int
fresh_url(struct arena *a, struct str url, struct str *out)
{
	size_t cap = url.n + (size_t)2 * TOKEN_BYTES + sizeof "?cors-check=";
	struct buf b = {arena_alloc(a, cap), 0, cap, false};
	struct str token;

	if (b.p == NULL || make_token(a, &token) != 0)
		return -1;
	buf_add(&b, url);
	buf_char(&b, url.n > 0 && memchr(url.p, '?', url.n) != NULL ? '&' :
	    '?');
	buf_add(&b, STR("cors-check="));
	buf_add(&b, token);
	*out = buf_str(&b);
	return 0;
}

/* The finding, as that of a cache. */
static int
blame(const struct verify_finding *suspect, struct arena *a,
    struct verify_findings *out)
{
	struct verify_finding f = *suspect;
	size_t cap = f.text.n + TEXT_MAX;
	struct buf b = {arena_alloc(a, cap), 0, cap, false};

	if (b.p == NULL)
		return -1;
	buf_add(&b, f.text);
	buf_add(&b, STR("; with a query that no cache knows it is as the "
	    "policy says"));
	f.text = buf_str(&b);
	f.id = VERIFY_CACHED;
	return verify_findings_add(out, &f, a);
}

/* Asks once more past all caches; what is then right was a cached response for
 * another origin, and *findings says so. */
static int
blame_cache(const struct verify *v, struct verify_server *server,
    const struct verify_case *c, struct verify_findings *findings)
{
	const struct verify_finding *suspect = find_suspect(findings);
	struct verify_findings fresh, blamed = {.count = 0};
	struct http_result result;
	struct str url;

	if (suspect == NULL ||
	    verify_findings_has(&server->findings, suspect->id, c->kind))
		return 0;
	if (fresh_url(&server->arena, c->url->text, &url) != 0 ||
	    send_case(v, server, c, url, &result) != 0)
		return -1;
	if (result.outcome != HTTP_ANSWERED)
		return 0;
	if (verify_judge(v->set, c, &result.answer, &server->arena, &fresh) !=
	    0)
		return -1;
	if (find_suspect(&fresh) != NULL)
		return 0;
	if (blame(suspect, &server->arena, &blamed) != 0)
		return -1;
	for (size_t i = 0; i < fresh.count; i++)
		if (verify_findings_add(&blamed, &fresh.items[i],
		    &server->arena) != 0)
			return -1;
	*findings = blamed;
	return 0;
}

/* ---- a server ---------------------------------------------------------- */

/* Sends and judges a case.  Sets *answered. */
static int
run_case(const struct verify *v, struct verify_server *server,
    const struct verify_case *c, bool *answered)
{
	struct verify_findings findings;
	struct http_result result;

	if (send_case(v, server, c, c->url->text, &result) != 0)
		return -1;
	*answered = result.outcome == HTTP_ANSWERED;
	if (!*answered)
		return add_no_answer(server, c, &result);
	if (verify_judge(v->set, c, &result.answer, &server->arena,
	    &findings) != 0 || blame_cache(v, server, c, &findings) != 0)
		return -1;
	for (size_t i = 0; i < findings.count; i++)
		if (verify_findings_add(&server->findings, &findings.items[i],
		    &server->arena) != 0)
			return -1;
	return 0;
}

int
verify_run(const struct verify *v, struct verify_server *server)
{
	struct verify_subject subject = {.set = v->set, .url = &server->url,
	    .method = v->method, .policy = v->policy,
	    .only_error = server->only_error};
	struct verify_cases cases;
	bool answered = true;

	if (make_token(&server->arena, &subject.token) != 0 ||
	    verify_cases_make(&subject, &server->arena, &cases) != 0)
		return -1;
	server->policy = cases.policy;
	for (size_t i = 0; answered && i < cases.count; i++)
		if (run_case(v, server, &cases.items[i], &answered) != 0)
			return -1;
	return 0;
}

bool
verify_is_good(const struct verify *v)
{
	for (size_t i = 0; i < v->nservers; i++)
		if (v->servers[i].findings.count > 0)
			return false;
	return true;
}
