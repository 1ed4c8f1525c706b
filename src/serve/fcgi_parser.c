#include "config.h"

#include "serve/fcgi_parser.h"

static enum parser_event
bad(struct parser_item *item, const char *problem)
{
	item->problem = problem;
	return PARSER_BAD;
}

static enum parser_event
reply_end(struct parser_item *item, enum parser_reply what, unsigned id,
    enum record_status status, bool keep)
{
	item->what = what;
	item->nreply = RECORD_END_SIZE;
	item->keep = keep;
	item->clean = false;
	record_end(item->reply, id, status);
	return PARSER_REPLY;
}

static void
request_drop(struct fcgi_parser *f, struct pool *pool)
{
	f->active = f->whole = false;
	f->checked = 0;
	held_release(&f->params, pool);
}

/* Takes at most n bytes of the input. */
static struct str
take(struct str *in, size_t n)
{
	struct str part = {in->p, in->n < n ? in->n : n};

	*in = str_from(*in, part.n);
	return part;
}

static struct str
params_text(const struct fcgi_parser *f)
{
	return (struct str){(const char *)f->params.p, f->params.n};
}

/* Reads a header that is whole and decides where the content goes.  Returns
 * NULL, or a problem. */
static const char *
record_open(struct fcgi_parser *f)
{
	bool own;

	f->type = f->head[1];
	f->record_id = (uint16_t)record_u16(f->head + 2);
	f->left = (uint16_t)record_u16(f->head + 4);
	f->padding = f->head[6];
	f->in_record = true;
	f->empty = f->left == 0;
	f->sink = SINK_SKIP;
	own = f->active && f->record_id == f->id;
	if (f->record_id == 0) {
		if (f->type == RECORD_GET_VALUES)
			f->sink = SINK_VALUES;
	} else if (f->type == RECORD_BEGIN_REQUEST) {
		if (f->left != RECORD_BODY || own)
			return "bad-begin";
		f->sink = SINK_BEGIN;
	} else if (f->type == RECORD_PARAMS && own && !f->params_ended) {
		if (f->left > PARSER_PARAMS_MAX - f->params.n)
			return "too-long";
		f->sink = SINK_PARAMS;
	}
	return NULL;
}

/* Takes what has come of the content.  Returns 0, or -1 without memory. */
static int
content_take(struct fcgi_parser *f, struct pool *pool, struct str part)
{
	if (f->sink == SINK_PARAMS)
		return held_add(&f->params, pool, part.p, part.n);
	if (f->sink == SINK_VALUES)
		return held_add(&f->values, pool, part.p, part.n);
	if (f->sink == SINK_BEGIN && part.n > 0)
		memcpy(f->head + RECORD_BODY - f->left, part.p, part.n);
	return 0;
}

static enum parser_event
begin_done(struct fcgi_parser *f, struct parser_item *item)
{
	unsigned role = record_u16(f->head);
	bool keep = f->head[2] & RECORD_KEEP_CONN;

	if (f->active)
		return reply_end(item, REPLY_REFUSAL, f->record_id,
		    END_CANT_MPX_CONN, true);
	if (role != ROLE_RESPONDER && role != ROLE_AUTHORIZER)
		return reply_end(item, REPLY_REFUSAL, f->record_id,
		    END_UNKNOWN_ROLE, keep);
	f->active = true;
	f->params_ended = f->stdin_ended = false;
	f->id = f->record_id;
	f->role = (unsigned char)role;
	f->keep = keep;
	return PARSER_MORE;
}

static enum parser_event
management_done(struct fcgi_parser *f, const struct parser_env *env,
    struct parser_item *item)
{
	struct str pairs = {(const char *)f->values.p, f->values.n};

	/* An answer to it could be answered again, for ever. */
	if (f->type == RECORD_UNKNOWN_TYPE)
		return PARSER_MORE;
	if (f->type == RECORD_GET_VALUES) {
		item->nreply = record_values(item->reply, pairs,
		    env->max_connections);
		held_release(&f->values, env->pool);
		if (item->nreply == 0)
			return bad(item, "bad-pair");
	} else {
		record_unknown(item->reply, f->type);
		item->nreply = RECORD_END_SIZE;
	}
	item->what = REPLY_MANAGEMENT;
	item->keep = true;
	return PARSER_REPLY;
}

/* Whether the pairs so far can be true. */
static bool
pairs_good(struct fcgi_parser *f)
{
	return !f->active || f->params.n == 0 || pairs_plausible(
	    params_text(f), &f->checked, PARSER_PARAMS_MAX);
}

/* Acts on a record that is whole, its padding too. */
static enum parser_event
record_done(struct fcgi_parser *f, const struct parser_env *env,
    struct parser_item *item)
{
	bool own = f->active && f->record_id == f->id;
	enum parser_event event;

	f->in_record = false;
	/* Before a record that is no part of the request is answered: how the
	 * bytes were cut on their way, and so when parser_pause looked at them,
	 * must not show. */
	if (!(own && (f->type == RECORD_PARAMS || f->type == RECORD_STDIN)) &&
	    !pairs_good(f))
		return bad(item, "too-long");
	if (f->record_id == 0)
		return management_done(f, env, item);
	if (f->type == RECORD_BEGIN_REQUEST)
		return begin_done(f, item);
	if (!own)
		return PARSER_MORE;
	if (f->type == RECORD_ABORT_REQUEST) {
		event = reply_end(item, REPLY_ABORT, f->id, END_COMPLETE,
		    f->keep);
		item->clean = f->stdin_ended;
		request_drop(f, env->pool);
		return event;
	}
	if (f->type == RECORD_PARAMS && f->empty)
		f->params_ended = true;
	else if (f->type == RECORD_STDIN && f->empty)
		f->stdin_ended = true;
	else
		return PARSER_MORE;
	/* An authorizer decides on the headers alone and waits for no body
	 * (FastCGI 1.0, 6.3). */
	if (!f->params_ended || (f->role == ROLE_RESPONDER && !f->stdin_ended))
		return PARSER_MORE;
	item->id = f->id;
	item->role = (enum record_role)f->role;
	item->keep = f->keep;
	item->clean = f->stdin_ended;
	item->params = params_text(f);
	f->active = false;
	f->whole = true;
	return PARSER_REQUEST;
}

enum parser_event
parser_next(struct fcgi_parser *f, const struct parser_env *env,
    struct str *in, struct parser_item *item)
{
	enum parser_event event;
	const char *problem;
	struct str part;

	if (f->whole)
		request_drop(f, env->pool);
	do {
		if (!f->in_record) {
			if (in->n == 0)
				return PARSER_MORE;
			if (f->nhead == 0 && !f->active)
				f->starts++;
			part = take(in, (size_t)RECORD_HEADER - f->nhead);
			memcpy(f->head + f->nhead, part.p, part.n);
			f->nhead = (unsigned char)(f->nhead + part.n);
			if (f->head[0] != RECORD_VERSION)
				return bad(item, "bad-version");
			if (f->nhead < RECORD_HEADER)
				return PARSER_MORE;
			f->nhead = 0;
			if ((problem = record_open(f)) != NULL)
				return bad(item, problem);
		}
		part = take(in, f->left);
		if (content_take(f, env->pool, part) == -1)
			return bad(item, "no-memory");
		f->left = (uint16_t)(f->left - part.n);
		if (f->left > 0)
			return PARSER_MORE;
		part = take(in, f->padding);
		f->padding = (unsigned char)(f->padding - part.n);
		if (f->padding > 0)
			return PARSER_MORE;
		event = record_done(f, env, item);
	} while (event == PARSER_MORE);
	return event;
}

const char *
parser_pause(struct fcgi_parser *f, const struct parser_env *env)
{
	if (f->whole)
		request_drop(f, env->pool);
	return pairs_good(f) ? NULL : "too-long";
}

void
parser_clear(struct fcgi_parser *f, struct pool *pool)
{
	request_drop(f, pool);
	held_release(&f->values, pool);
}
