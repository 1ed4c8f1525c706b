#include "config.h"

#include "verify/check.h"

#include "base/buf.h"
#include "browser/headers.h"
#include "core/field.h"

#define ALLOW_ORIGIN STR("Access-Control-Allow-Origin")
#define ALLOW_CREDENTIALS STR("Access-Control-Allow-Credentials")
#define VARY STR("Vary")

enum { TEXT_MAX = 2048, SHOWN = 100, STATUS_UNAUTHORIZED = 401,
	STATUS_FORBIDDEN = 403, STATUS_NOT_FOUND = 404,
	STATUS_METHOD_NOT_ALLOWED = 405, STATUS_PROXY_LOGIN = 407,
	STATUS_NOT_IMPLEMENTED = 501 };

struct judging {
	const struct verify_case *c;
	const struct browser_answer *wanted, *got;
	struct arena *arena;
	struct verify_findings *out;
	bool no_memory;
};

/* ---- pieces ------------------------------------------------------------ */

static void
found(struct judging *j, enum verify_id id, const struct buf *text)
{
	struct verify_finding f = {.id = id, .of = j->c,
	    .status = j->got->status};

	f.text = arena_str(j->arena, buf_str(text));
	if (f.text.p == NULL || verify_findings_add(j->out, &f, j->arena) != 0)
		j->no_memory = true;
}

/* "the response to origin 'https://app.example.com' (200)" */
static void
add_subject(const struct judging *j, struct buf *b)
{
	buf_add(b, j->c->kind == VERIFY_PREFLIGHT ?
	    STR("the answer to the preflight") : STR("the response"));
	if (j->c->origin.n > 0) {
		buf_add(b, STR(" for origin "));
		buf_quoted(b, j->c->origin, SHOWN);
	} else {
		buf_add(b, STR(" without an Origin"));
	}
	buf_add(b, STR(" (status "));
	buf_uint(b, (unsigned long)j->got->status);
	buf_add(b, STR(")"));
}

static void
say(struct judging *j, enum verify_id id, struct str what)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_subject(j, &b);
	buf_add(&b, what);
	found(j, id, &b);
}

static void
say_quoted(struct judging *j, enum verify_id id, struct str what,
    struct str value)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_subject(j, &b);
	buf_add(&b, what);
	buf_quoted(&b, value, SHOWN);
	found(j, id, &b);
}

static struct str
value_of(const struct browser_answer *answer, struct str name)
{
	const struct header *h = headers_find(&answer->headers, name).first;

	return h != NULL ? h->value : STR("");
}

static bool
has(const struct browser_answer *answer, struct str name)
{
	return headers_find(&answer->headers, name).count > 0;
}

static bool
is_success(int status)
{
	return status >= 200 && status <= 299;
}

/* ---- status ------------------------------------------------------------ */

static enum verify_id
status_id(int status)
{
	if (status >= 300 && status <= 399)
		return VERIFY_REDIRECT;
	if (status == STATUS_UNAUTHORIZED || status == STATUS_PROXY_LOGIN)
		return VERIFY_UNAUTHORIZED;
	if (status == STATUS_FORBIDDEN)
		return VERIFY_FORBIDDEN;
	if (status == STATUS_NOT_FOUND)
		return VERIFY_NOT_FOUND;
	if (status == STATUS_METHOD_NOT_ALLOWED ||
	    status == STATUS_NOT_IMPLEMENTED)
		return VERIFY_METHOD_NOT_ALLOWED;
	return status >= 500 ? VERIFY_SERVER_ERROR : VERIFY_STATUS;
}

/* Says so where preflightd was handed another method than OPTIONS.  Returns
 * whether it was. */
static bool
judge_delegation(struct judging *j)
{
	if (j->got->status != STATUS_METHOD_NOT_ALLOWED ||
	    !str_eq(value_of(j->got, STR("Allow")), STR("OPTIONS")))
		return false;
	say(j, VERIFY_NOT_OPTIONS, STR(" is what preflightd says to other "
	    "methods than OPTIONS"));
	return true;
}

/* Names a status that the policy does not give, and who gave it.  Returns
 * whether the rest of the answer is worth a look. */
static bool
judge_status(struct judging *j)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);
	int got = j->got->status, wanted = j->wanted->status;
	struct str location = value_of(j->got, STR("Location"));
	struct str server = value_of(j->got, STR("Server"));

	if (got == wanted)
		return true;
	if (judge_delegation(j))
		return false;
	add_subject(j, &b);
	buf_add(&b, STR(" has not the policy's status "));
	buf_uint(&b, (unsigned long)wanted);
	if (location.n > 0) {
		buf_add(&b, STR(", but leads to "));
		buf_quoted(&b, location, SHOWN);
	}
	if (server.n > 0) {
		buf_add(&b, STR("; its Server is "));
		buf_quoted(&b, server, SHOWN);
	}
	found(j, status_id(got), &b);
	return is_success(got) && is_success(wanted);
}

/* ---- lists ------------------------------------------------------------- */

/* Adds the elements of a list in `of` that `without` lacks, behind `label`.
 * Returns whether there are any. */
static bool
add_surplus(struct buf *b, struct str label, struct str name,
    const struct browser_answer *of, const struct browser_answer *without,
    enum list_case how)
{
	struct str element;
	bool any = false;

	for (size_t i = 0; i < of->headers.count; i++) {
		struct str rest = of->headers.items[i].value;

		if (!str_eq_fold(of->headers.items[i].name, name))
			continue;
		while (list_next(&rest, &element)) {
			if (headers_list_has(&without->headers, name, element,
			    how))
				continue;
			buf_add(b, any ? STR(", ") : label);
			buf_quoted(b, element, SHOWN);
			any = true;
		}
	}
	return any;
}

/* Compares a list as a set. */
static void
judge_list(struct judging *j, enum verify_id id, struct str name,
    enum list_case how)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);
	struct str bad;
	bool lacks, exceeds;

	if (headers_list_state(&j->got->headers, name, &bad) == LIST_BAD) {
		add_subject(j, &b);
		buf_add(&b, STR(" has in "));
		buf_add(&b, name);
		buf_add(&b, STR(" what is no name: "));
		buf_quoted(&b, bad, SHOWN);
		found(j, VERIFY_LIST_SYNTAX, &b);
		return;
	}
	add_subject(j, &b);
	buf_add(&b, STR(": "));
	buf_add(&b, name);
	lacks = add_surplus(&b, STR(" lacks "), name, j->wanted, j->got, how);
	exceeds = add_surplus(&b, lacks ? STR(" and has beyond the policy ") :
	    STR(" has beyond the policy "), name, j->got, j->wanted, how);
	if (lacks || exceeds)
		found(j, id, &b);
}

static void
judge_max_age(struct judging *j)
{
	struct str name = STR("Access-Control-Max-Age");
	struct str got = value_of(j->got, name);
	struct str wanted = value_of(j->wanted, name);
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	if (str_eq(got, wanted))
		return;
	add_subject(j, &b);
	buf_add(&b, STR(" has Access-Control-Max-Age "));
	buf_quoted(&b, got, SHOWN);
	buf_add(&b, STR(", the policy says "));
	buf_quoted(&b, wanted, SHOWN);
	found(j, VERIFY_MAX_AGE, &b);
}

/* An answer to one origin alone must say so, even where the policy is '*'. */
static void
judge_vary(struct judging *j)
{
	static const struct header origin[] = {{{"Vary", 4}, {"Origin", 6}}};
	const struct browser_answer single = {200, {origin, 1}};
	const struct browser_answer *wanted = j->wanted;
	struct str allowed = value_of(j->got, ALLOW_ORIGIN);
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	if (!has(wanted, VARY) && allowed.n > 0 && !str_eq(allowed, STR("*")))
		wanted = &single;
	if (headers_list_has(&j->got->headers, VARY, STR("*"), LIST_EXACT))
		return;
	add_subject(j, &b);
	buf_add(&b, STR(": Vary"));
	if (add_surplus(&b, STR(" lacks "), VARY, wanted, j->got, LIST_FOLD))
		found(j, VERIFY_VARY, &b);
}

/* ---- the origin -------------------------------------------------------- */

static void
say_failure(struct judging *j, enum verify_id id,
    const struct browser_failure *f, const struct browser_request *r)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_subject(j, &b);
	buf_add(&b, STR(": "));
	browser_failure_explain(f, r, &b);
	found(j, id, &b);
}

/* The name of a failure of the CORS check. */
static enum verify_id
failure_id(const struct judging *j, enum browser_code code)
{
	switch (code) {
	case CODE_ACAO_MISSING:
		return j->got->status >= 400 ? VERIFY_ERROR_HEADERS :
		    VERIFY_ORIGIN_MISSING;
	case CODE_ACAO_MULTIPLE:
		return VERIFY_ORIGIN_DUPLICATE;
	case CODE_ACAO_STAR_CREDENTIALS:
		return VERIFY_STAR_CREDENTIALS;
	case CODE_ACAC_MISSING:
	case CODE_ACAC_INVALID:
		return VERIFY_CREDENTIALS_MISSING;
	case CODE_ACAO_INVALID:
	case CODE_ACAO_MISMATCH:
	case CODE_METHOD_FORBIDDEN:
	case CODE_STATUS:
	case CODE_REDIRECT:
	case CODE_ACAM_SYNTAX:
	case CODE_ACAH_SYNTAX:
	case CODE_METHOD:
	case CODE_AUTHORIZATION:
	case CODE_HEADER:
	case CODE_COUNT:
	default:
		return VERIFY_ORIGIN_WRONG;
	}
}

/* The CORS check of an answer that is to grant the origin.  Returns whether it
 * passes.  One without an Origin has to be good for every page that gets it
 * from a cache, whatever its origin. */
static bool
judge_grant(struct judging *j)
{
	struct browser_request r = {
	    .origin = j->c->origin.n > 0 ? j->c->origin : STR("null"),
	    .url_origin = STR(""), .method = j->c->method,
	    .credentials = has(j->wanted, ALLOW_CREDENTIALS)};
	struct browser_failures f;

	if (browser_judge_actual(&r, j->got, j->arena, &f) != 0) {
		j->no_memory = true;
		return false;
	}
	for (size_t i = 0; i < f.count; i++)
		say_failure(j, failure_id(j, f.items[i].code), &f.items[i],
		    &r);
	if (f.count > 0)
		return false;
	if (str_eq(value_of(j->got, ALLOW_ORIGIN), STR("*")) &&
	    !str_eq(value_of(j->wanted, ALLOW_ORIGIN), STR("*")))
		say(j, VERIFY_ORIGIN_GRANTED, STR(" allows every origin"));
	if (!r.credentials && has(j->got, ALLOW_CREDENTIALS))
		say(j, VERIFY_CREDENTIALS_GRANTED,
		    STR(" allows credentials, the policy does not"));
	return true;
}

/* The first header of CORS, or NULL. */
static const struct header *
cors_header(const struct browser_answer *answer)
{
	static const struct str prefix = {"access-control-", 15};

	for (size_t i = 0; i < answer->headers.count; i++) {
		struct str name = answer->headers.items[i].name;

		if (name.n > prefix.n && str_eq_fold(
		    (struct str){name.p, prefix.n}, prefix))
			return &answer->headers.items[i];
	}
	return NULL;
}

/* An answer that is to grant nothing. */
static void
judge_refusal(struct judging *j)
{
	struct str allowed = value_of(j->got, ALLOW_ORIGIN);
	const struct header *h = cors_header(j->got);

	if (str_eq(allowed, STR("*")) ||
	    (allowed.n > 0 && str_eq(allowed, j->c->origin)))
		say_quoted(j, VERIFY_ORIGIN_GRANTED, STR(" allows it, the "
		    "policy does not: Access-Control-Allow-Origin is "),
		    allowed);
	else if (allowed.n > 0)
		say_quoted(j, VERIFY_ORIGIN_WRONG, STR(" names another "
		    "origin: Access-Control-Allow-Origin is "), allowed);
	else if (h != NULL)
		say_quoted(j, VERIFY_REFUSED_HEADERS, STR(" grants nothing "
		    "and has "), h->name);
}

/* ---- the whole --------------------------------------------------------- */

static void
judge_preflight(struct judging *j)
{
	bool granted = has(j->wanted, ALLOW_ORIGIN);
	bool same = judge_status(j);

	if (!granted) {
		judge_refusal(j);
	} else if (same && judge_grant(j)) {
		judge_list(j, VERIFY_METHODS,
		    STR("Access-Control-Allow-Methods"), LIST_EXACT);
		judge_list(j, VERIFY_HEADERS,
		    STR("Access-Control-Allow-Headers"), LIST_FOLD);
		judge_max_age(j);
	}
	if (same)
		judge_vary(j);
}

static void
judge_actual(struct judging *j)
{
	if (judge_delegation(j))
		return;
	if (!has(j->wanted, ALLOW_ORIGIN))
		judge_refusal(j);
	else if (judge_grant(j))
		judge_list(j, VERIFY_EXPOSE,
		    STR("Access-Control-Expose-Headers"), LIST_FOLD);
	/* One pain has one name. */
	if (!verify_findings_has(j->out, VERIFY_ERROR_HEADERS, VERIFY_ACTUAL))
		judge_vary(j);
}

static int
judge_by(const struct verify_case *c, const struct browser_answer *wanted,
    const struct browser_answer *got, struct arena *a,
    struct verify_findings *out)
{
	struct judging j = {.c = c, .wanted = wanted, .got = got, .arena = a,
	    .out = out};

	*out = (struct verify_findings){.count = 0};
	if (c->kind == VERIFY_PREFLIGHT)
		judge_preflight(&j);
	else
		judge_actual(&j);
	return j.no_memory ? -1 : 0;
}

/* ---- another policy ---------------------------------------------------- */

/* No policy has this name. */
#define NO_POLICY STR("no policy")

/* Who gave an answer, if not the policy that should have. */
struct giver {
	const struct policy *policy; /* this one, and it grants the origin */
	bool refuser;                /* one that refuses it, or none */
};

/* Compares an answer with that of the policy of a name. */
static int
compare_with(struct judging *j, const struct policy_set *s, struct str name,
    struct giver *out)
{
	const struct verify_case *c = j->c;
	struct policy_query ask = {.url = c->url, .origin = c->origin,
	    .method = c->method, .names = c->joined, .policy = name};
	struct verify_findings findings;
	struct policy_answer asked;

	if (policy_query_preflight(s, &ask, j->arena, &asked) != 0 ||
	    judge_by(c, &asked.answer, j->got, j->arena, &findings) != 0)
		return -1;
	if (findings.count > 0)
		return 0;
	if (has(&asked.answer, ALLOW_ORIGIN))
		out->policy = asked.policy;
	else
		out->refuser = true;
	return 0;
}

static int
find_giver(struct judging *j, const struct policy_set *s, struct giver *out)
{
	*out = (struct giver){.policy = NULL};
	for (size_t i = 0; out->policy == NULL && i < policy_set_count(s);
	    i++) {
		const struct policy *p = policy_set_get(s, i);

		if (p != j->c->expected.policy &&
		    compare_with(j, s, p->name, out) != 0)
			return -1;
	}
	return compare_with(j, s, NO_POLICY, out);
}

static void
say_giver(struct judging *j, const struct giver *giver)
{
	const struct policy *right = j->c->expected.policy;
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_subject(j, &b);
	if (giver->policy != NULL) {
		buf_add(&b, STR(" is that of policy "));
		buf_quoted(&b, giver->policy->name, SHOWN);
	} else {
		buf_add(&b, STR(" is a refusal such as another policy, or "
		    "none, gives"));
	}
	if (right != NULL) {
		buf_add(&b, STR("; the URL is served by policy "));
		buf_quoted(&b, right->name, SHOWN);
	} else {
		buf_add(&b, STR("; no policy serves the URL"));
	}
	found(j, VERIFY_WRONG_POLICY, &b);
}

int
verify_judge(const struct policy_set *s, const struct verify_case *c,
    const struct browser_answer *answer, struct arena *a,
    struct verify_findings *out)
{
	struct judging j = {.c = c, .got = answer, .arena = a, .out = out};
	struct giver giver;

	if (judge_by(c, &c->expected.answer, answer, a, out) != 0)
		return -1;
	if (out->count == 0 || c->kind == VERIFY_ACTUAL)
		return 0;
	if (find_giver(&j, s, &giver) != 0)
		return -1;
	if (giver.policy != NULL || giver.refuser) {
		*out = (struct verify_findings){.count = 0};
		say_giver(&j, &giver);
	}
	return j.no_memory ? -1 : 0;
}
