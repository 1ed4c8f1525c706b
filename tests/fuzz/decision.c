/* decision.c - fuzzes a whole decision: the bytes of the first line choose the
 * policies, each further line is a parameter of the request. */
#include "config.h"

#include "answer_parse.h"
#include "files.h"
#include "fuzz.h"
#include "log/log.h"
#include "make_policies.h"
#include "naive.h"
#include "serve/answer.h"

/* No names are left out of an answer for their length (ECHO_MAX). */
enum { TEXT_MAX = 2500, PARAMS_MAX = 100, POLICY_BYTES = 64 };

/* What a line begins with. */
static const struct {
	char letter;
	const char *name;
} parameters[] = {
	{'M', "REQUEST_METHOD"}, {'U', "REQUEST_URI"}, {'H', "HTTP_HOST"},
	{'O', "HTTP_ORIGIN"}, {'R', "HTTP_ACCESS_CONTROL_REQUEST_METHOD"},
	{'h', "HTTP_ACCESS_CONTROL_REQUEST_HEADERS"}, {'S', "SERVER_NAME"},
	{'s', "SCRIPT_NAME"}, {'p', "PATH_INFO"}, {'P', "CORS_POLICY"},
	{'A', "CORS_MODE"}, {'c', "REQUEST_SCHEME"}, {'T', "HTTPS"},
	{'q', "QUERY_STRING"},
};

struct input {
	char text[TEXT_MAX];
	struct naive_param params[PARAMS_MAX];
	struct naive_request request;
	char pairs[8 * TEXT_MAX];
	struct buf encoded;
	enum record_role role;
};

/* ---- policies ---------------------------------------------------------- */

/* Those of the last input are kept: the next one mostly has the same. */
static struct policy_set *
policies(struct str bytes)
{
	static char last[POLICY_BYTES];
	static size_t nlast = SIZE_MAX;
	static struct policy_set *set;
	char text[16 * 1024];
	struct buf b = BUF(text);

	if (bytes.n > POLICY_BYTES)
		bytes.n = POLICY_BYTES;
	if (str_eq(bytes, (struct str){last, nlast}))
		return set;
	if (bytes.n > 0)
		memcpy(last, bytes.p, bytes.n);
	nlast = bytes.n;
	make_policies(bytes, &b);
	HOLDS(!b.full);
	policy_set_free(set);
	set = fuzz_policies(buf_str(&b));
	return set;
}

/* ---- requests ---------------------------------------------------------- */

static void
add_length(struct buf *b, size_t n)
{
	if (n < 128) {
		buf_char(b, (char)n);
		return;
	}
	for (int shift = 24; shift >= 0; shift -= 8)
		buf_char(b, (char)((n | 0x80000000) >> shift & 0xff));
}

static void
add_param(struct input *in, struct str line)
{
	struct naive_param *p = &in->params[in->request.count];
	const char *name = "HTTP_COOKIE";

	for (size_t i = 0; i < sizeof parameters / sizeof *parameters; i++)
		if (parameters[i].letter == line.p[0])
			name = parameters[i].name;
	*p = (struct naive_param){str_of(name), str_from(line, 1)};
	in->request.count++;
	add_length(&in->encoded, p->name.n);
	add_length(&in->encoded, p->value.n);
	buf_add(&in->encoded, p->name);
	buf_add(&in->encoded, p->value);
}

static void
input_read(struct input *in, struct str text)
{
	struct str line;

	if (text.n > 0)
		memcpy(in->text, text.p, text.n);
	text.p = in->text;
	in->request = (struct naive_request){in->params, 0};
	in->encoded = (struct buf){in->pairs, 0, sizeof in->pairs, false};
	in->role = ROLE_RESPONDER;
	while (text.n > 0 && in->request.count < PARAMS_MAX) {
		line = fuzz_line(&text);
		if (str_eq(line, STR("authorizer")))
			in->role = ROLE_AUTHORIZER;
		else if (line.n > 0)
			add_param(in, line);
	}
	/* The one byte that a line cannot have. */
	for (size_t i = 0; i < sizeof in->text; i++)
		if (in->text[i] == '\x1f')
			in->text[i] = '\n';
	HOLDS(!in->encoded.full);
}

static struct str
value(const struct input *in, const char *name)
{
	struct str v = STR("");

	(void)naive_value(&in->request, name, 0, &v);
	return v;
}

/* Which of several a server sets counts, the last one does. */
static bool
is_actual(const struct input *in)
{
	struct str v = STR("");

	for (size_t i = 0; naive_value(&in->request, "CORS_MODE", i, &v); i++)
		;
	return in->role == ROLE_AUTHORIZER || str_eq(v, STR("actual"));
}

/* ---- what has to be in an answer --------------------------------------- */

struct wanted {
	char text[2 * TEXT_MAX];
	struct buf buf;
};

static void
want_name(struct wanted *w, struct str name)
{
	if (w->buf.n > 0)
		buf_add(&w->buf, STR(", "));
	buf_add(&w->buf, name);
}

static void
want_names(struct wanted *w, const struct field_set *names)
{
	for (size_t i = 0; i < names->count; i++)
		want_name(w, names->items[i].name);
}

static void
want_headers(struct wanted *w, const struct policy *p, const struct input *in)
{
	struct str list, name;

	if (!p->headers.any) {
		want_names(w, &p->headers);
	} else if (p->credentials) {
		for (size_t i = 0; naive_value(&in->request,
		    "HTTP_ACCESS_CONTROL_REQUEST_HEADERS", i, &list); i++)
			for (size_t at = 0; naive_element(list, &at, &name);)
				if (naive_header_allowed(p, name))
					want_name(w, name);
	} else {
		want_name(w, STR("*"));
		for (size_t i = 0; i < p->headers.count; i++)
			if (str_eq_fold(p->headers.items[i].name,
			    STR("authorization")))
				want_name(w, p->headers.items[i].name);
	}
}

static void
want_methods(struct wanted *w, const struct policy *p, const struct input *in)
{
	if (!p->methods.any)
		want_names(w, &p->methods);
	else if (p->credentials)
		want_name(w, value(in, "HTTP_ACCESS_CONTROL_REQUEST_METHOD"));
	else
		want_name(w, STR("*"));
}

static void
check_field(const struct answer *a, const char *name, const struct wanted *w)
{
	struct str got = answer_field(a, name);

	HOLDS((got.p != NULL) == (w->buf.n > 0));
	HOLDS(got.p == NULL || str_eq(got, buf_str(&w->buf)));
}

static struct wanted *
nothing(struct wanted *w)
{
	w->buf = (struct buf){w->text, 0, sizeof w->text, false};
	return w;
}

/* An allowed origin comes back byte for byte, or as '*'. */
static void
check_grant(const struct answer *a, const struct naive_decision *d,
    const struct input *in, bool granted)
{
	struct wanted w;
	const struct policy *p = d->policy;

	nothing(&w);
	if (granted)
		buf_add(&w.buf, origin_set_any(p->origins) ? STR("*") :
		    value(in, "HTTP_ORIGIN"));
	check_field(a, "Access-Control-Allow-Origin", &w);
	nothing(&w);
	if (granted && p->credentials)
		buf_add(&w.buf, STR("true"));
	check_field(a, "Access-Control-Allow-Credentials", &w);
}

static void
check_lists(const struct answer *a, const struct naive_decision *d,
    const struct input *in, bool granted)
{
	struct wanted w;

	nothing(&w);
	if (granted)
		want_methods(&w, d->policy, in);
	check_field(a, "Access-Control-Allow-Methods", &w);
	nothing(&w);
	if (granted)
		want_headers(&w, d->policy, in);
	check_field(a, "Access-Control-Allow-Headers", &w);
	nothing(&w);
	if (granted && d->policy->max_age != MAX_AGE_UNSET)
		buf_uint(&w.buf, (unsigned long)d->policy->max_age);
	check_field(a, "Access-Control-Max-Age", &w);
}

static void
check_exposed(const struct answer *a, const struct naive_decision *d,
    bool granted)
{
	struct wanted w;

	nothing(&w);
	if (granted && d->policy->expose.any)
		want_name(&w, STR("*"));
	else if (granted)
		want_names(&w, &d->policy->expose);
	check_field(a, "Access-Control-Expose-Headers", &w);
}

static int
wanted_status(const struct policy_set *s, const struct naive_decision *d)
{
	const struct policy *p = d->policy;

	switch (d->reason) {
	case REASON_NOT_OPTIONS:
		return 405;
	case REASON_NOT_PREFLIGHT:
		return 204;
	case REASON_ALLOWED:
	case REASON_METHOD:
	case REASON_HEADER:
		return p->success_status;
	case REASON_ORIGIN:
	case REASON_NO_POLICY:
	case REASON_MALFORMED:
	case REASON_COUNT:
	default:
		return p != NULL ? p->refuse_status :
		    policy_set_refuse_status(s);
	}
}

static void
check_debug(const struct policy_set *s, const struct answer *a,
    const struct naive_decision *d)
{
	struct str got = answer_field(a, "Preflight-Reason");
	bool wanted = d->policy != NULL ? d->policy->debug :
	    policy_set_debug(s);

	HOLDS((got.p != NULL) == (wanted && d->reason != REASON_NOT_OPTIONS));
	if (got.p != NULL) {
		got.n = str_find_any(got, ";");
		HOLDS(str_eq(got, str_of(reason_name(d->reason))));
	}
}

/* The fields of an actual response are constant. */
static bool
is_star(const struct naive_decision *d)
{
	return d->policy != NULL && origin_set_any(d->policy->origins);
}

static void
check_preflight(const struct policy_set *s, const struct answer *a,
    const struct naive_decision *d, const struct input *in)
{
	bool answered = d->reason == REASON_ALLOWED ||
	    d->reason == REASON_METHOD || d->reason == REASON_HEADER;
	bool plain = d->reason == REASON_NOT_PREFLIGHT &&
	    (d->origin_allowed || is_star(d));
	struct str vary = answer_field(a, "Vary");

	HOLDS(a->status == wanted_status(s, d));
	check_grant(a, d, in, answered || plain);
	check_lists(a, d, in, answered);
	check_exposed(a, d, plain);
	check_debug(s, a, d);
	HOLDS(a->body.n == 0 || a->status == 405);
	HOLDS((answer_field(a, "Allow").p != NULL) ==
	    (d->reason == REASON_NOT_OPTIONS ||
	        d->reason == REASON_NOT_PREFLIGHT));
	HOLDS(d->reason == REASON_NOT_OPTIONS || str_eq(vary,
	    STR("Origin, Access-Control-Request-Method, "
	        "Access-Control-Request-Headers")));
}

static void
check_actual(const struct answer *a, const struct naive_decision *d,
    const struct input *in)
{
	bool star = is_star(d);

	HOLDS(a->status == (in->role == ROLE_AUTHORIZER ? 200 : 204));
	check_grant(a, d, in, d->origin_allowed || star);
	check_exposed(a, d, d->origin_allowed || star);
	HOLDS((answer_field(a, "Vary").p != NULL) == !star);
	HOLDS(a->body.n == 0);
}

/* ---- all of it --------------------------------------------------------- */

static void
check(const struct policy_set *s, const struct input *in)
{
	struct metrics *metrics = metrics_new(1);
	struct metrics_view *view = metrics_view_new(metrics, s);
	struct answer_env env = {.policies = s, .view = view,
	    .status_path = STR(""), .log_all = true};
	size_t cap = answer_max(s);
	char *text = malloc(cap);
	struct naive_decision d;
	struct answer a;
	ptrdiff_t n;

	HOLDS(metrics != NULL && view != NULL && text != NULL);
	env.shard = metrics_shard(metrics, 0);
	n = answer_write(&env, in->role, buf_str(&in->encoded), NULL, text,
	    cap);
	HOLDS(n > 0 && (size_t)n <= cap);
	answer_parse((struct str){text, (size_t)n},
	    in->role == ROLE_AUTHORIZER ? STR("Variable-") : STR(""), &a);
	naive_decide(s, &in->request, &d);
	if (d.unsure)
		; /* either answer is right */
	else if (is_actual(in))
		check_actual(&a, &d, in);
	else
		check_preflight(s, &a, &d, in);
	metrics_view_free(view);
	metrics_free(metrics);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool opened;
	static struct input in;
	struct str rest = {(const char *)data, size};
	const struct policy_set *s;

	if (size > TEXT_MAX)
		return 0;
	if (!opened)
		HOLDS(log_open("/dev/null", LOG_LEVEL_DEBUG, (uid_t)-1,
		    (gid_t)-1) == 0 && log_start() == 0);
	opened = true;
	s = policies(fuzz_line(&rest));
	input_read(&in, rest);
	if (s != NULL)
		check(s, &in);
	return 0;
}
