#include "config.h"

#include "serve/answer.h"

#include "core/preflight.h"
#include "core/request.h"
#include "core/response.h"
#include "log/log.h"

size_t
answer_max(const struct policy_set *policies)
{
	return reply_max(policies);
}

/* What the web server's configuration lacks that refused this, or NULL. */
static const char *
hint_of(const struct request *r, const struct decision *d)
{
	if (d->unknown_policy)
		return "see CORS_POLICY in the web server's configuration";
	if (d->reason == REASON_NOT_OPTIONS)
		return r->method.n > 0 ?
		    "let the web server delegate OPTIONS requests alone" :
		    "let the web server pass the method (nginx: fastcgi_param "
		    "REQUEST_METHOD $request_method)";
	if (d->reason != REASON_NO_POLICY)
		return NULL;
	if (r->host.n == 0)
		return "let the web server pass the host (nginx: fastcgi_param "
		    "HTTP_HOST $host)";
	if (r->uri.n == 0)
		return "let the web server pass the target (nginx: "
		    "fastcgi_param REQUEST_URI $request_uri)";
	return "see host and path of the policies";
}

static void
decision_log(const struct policy_set *policies, const struct request *r,
    const struct decision *d, bool actual, bool log_all)
{
	const char *event = "request", *hint = hint_of(r, d);
	enum log_level level = LOG_LEVEL_INFO;
	enum log_limit limit = LOG_PER_SECOND;
	struct place at = preflight_place(d);
	struct log_line l;
	char text[1024], at_text[1024];
	struct buf explained = BUF(text), where = BUF(at_text);

	if (d->unknown_policy) {
		event = "unknown-policy";
		level = LOG_LEVEL_ERROR;
	} else if (reason_is_refusal(d->reason)) {
		event = "refused";
	}
	if (d->reason == REASON_NOT_OPTIONS && !d->unknown_policy) {
		level = LOG_LEVEL_WARNING;
		limit = LOG_PER_MINUTE;
	}
	if (!log_begin(&l, level, event, reason_name(d->reason),
	    log_all ? LOG_UNLIMITED : limit))
		return;
	log_str(&l, "policy", d->policy != NULL ? d->policy->name : r->policy);
	log_str(&l, "origin", r->origin);
	/* A preflight is told by the method that it asks for. */
	log_str(&l, "method", !actual && d->reason != REASON_NOT_OPTIONS &&
	    r->request_method.n > 0 ? r->request_method : r->method);
	if (actual)
		log_str(&l, "mode", STR("actual"));
	if (r->host.n > 0)
		log_str(&l, "host", r->host);
	if (r->uri.n > 0)
		log_str(&l, "uri", r->uri);
	preflight_explain(r, d, &explained);
	/* Escaped already where a request's bytes are in it. */
	if (explained.n > 0)
		log_text(&l, "text", buf_str(&explained));
	/* Where to look: in the policy, as FILE:LINE, or in the web server's
	 * configuration. */
	if (d->policy != NULL && reason_is_refusal(d->reason)) {
		buf_add(&where, str_of(policy_set_file_name(policies,
		    at.file)));
		buf_char(&where, ':');
		buf_uint(&where, at.line);
		log_str(&l, "at", buf_str(&where));
	}
	if (hint != NULL)
		log_str(&l, "hint", str_of(hint));
	log_end(&l);
}

ptrdiff_t
answer_write(const struct answer_env *env, enum record_role role,
    struct str params, struct status_ask *status, char *text, size_t cap)
{
	struct request r;
	struct decision d;
	struct log_line l;
	struct str name, value;
	enum pair got;
	bool actual;

	request_init(&r);
	while ((got = pair_next(&params, &name, &value)) == PAIR_GOOD)
		request_param(&r, name, value);
	if (got != PAIR_END)
		return ANSWER_MALFORMED;
	actual = role == ROLE_AUTHORIZER || r.actual;
	if (actual)
		preflight_decide_actual(env->policies, &r, &d);
	else
		preflight_decide(env->policies, &r, &d);
	if (d.reason == REASON_NOT_OPTIONS &&
	    status_asked(env->status_path, &r, status)) {
		metrics_count(env->shard, COUNT_STATUS);
		if (env->log_all && log_begin(&l, LOG_LEVEL_INFO, "status",
		    NULL, LOG_UNLIMITED)) {
			log_str(&l, "method", r.method);
			log_str(&l, "uri", r.uri);
			log_end(&l);
		}
		return ANSWER_STATUS;
	}
	metrics_request(env->shard, env->view, &r, &d);
	if (reason_is_refusal(d.reason) || env->log_all)
		decision_log(env->policies, &r, &d, actual, env->log_all);
	if (env->shadow != NULL && !actual)
		shadow_judge(env->shadow, &r, &d, env->shard);
	if (role == ROLE_AUTHORIZER)
		return (ptrdiff_t)reply_write_authorizer(&r, &d, text, cap);
	if (actual)
		return (ptrdiff_t)reply_write_actual(&r, &d, text, cap);
	return (ptrdiff_t)reply_write(env->policies, &r, &d, text, cap);
}
