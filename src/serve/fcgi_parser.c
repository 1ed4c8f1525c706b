#include "config.h"

#include "serve/fcgi_parser.h"

static const char NO_MEMORY[] = "no-memory";
static const char TOO_LONG[] = "too-long";
static const char BAD_PAIR[] = "bad-pair";

static enum stream_event
bad(struct stream_item *item, const char *problem)
{
	item->problem = problem;
	return STREAM_BAD;
}

static enum stream_event
reply_end(struct stream_item *item, enum stream_reply what, unsigned id,
    enum record_status status)
{
	item->what = what;
	item->nreply = RECORD_END_SIZE;
	item->keep = true;
	item->clean = false;
	record_end(item->reply, id, status);
	return STREAM_REPLY;
}

static void
request_drop(struct stream *s, struct pool *pool)
{
	s->active = s->whole = false;
	s->slice = (struct str){NULL, 0};
	s->checked = 0;
	held_release(&s->params, pool);
}

/* The bytes of s->head, filled from the input up to its size.  Returns NULL
 * where they are not all there yet.  What lies in the input whole is not
 * copied. */
static const unsigned char *
head_take(struct stream *s, struct str *in)
{
	const unsigned char *p = (const unsigned char *)in->p;
	size_t n = RECORD_HEADER - s->nhead;

	if (s->nhead == 0 && in->n >= RECORD_HEADER) {
		*in = str_from(*in, RECORD_HEADER);
		return p;
	}
	if (n > in->n)
		n = in->n;
	if (n > 0)
		memcpy(s->head + s->nhead, in->p, n);
	*in = str_from(*in, n);
	s->nhead = (unsigned char)(s->nhead + n);
	if (s->nhead < RECORD_HEADER)
		return NULL;
	s->nhead = 0;
	return s->head;
}

static size_t
params_size(const struct stream *s)
{
	return s->slice.n + s->params.n;
}

/* The parameters so far, which lie in one place. */
static struct str
params_text(const struct stream *s)
{
	if (s->params.n == 0)
		return s->slice;
	return (struct str){(const char *)s->params.p, s->params.n};
}

/* Decides where the content of the record goes; NULL, or a problem. */
static const char *
record_open(struct stream *s)
{
	bool own = s->active && s->record_id == s->id;

	s->sink = SINK_SKIP;
	if (s->record_id == 0) {
		if (s->type == RECORD_GET_VALUES)
			s->sink = SINK_VALUES;
	} else if (s->type == RECORD_BEGIN_REQUEST) {
		if (s->left != RECORD_BODY || own)
			return "bad-begin";
		s->sink = SINK_BEGIN;
	} else if (s->type == RECORD_PARAMS && own && !s->params_ended) {
		if (s->left > STREAM_PARAMS_MAX - params_size(s))
			return TOO_LONG;
		s->sink = SINK_PARAMS;
	}
	return NULL;
}

/* Reads a header.  Returns STREAM_REQUEST where it is whole. */
static enum stream_event
header_take(struct stream *s, struct str *in, struct stream_item *item)
{
	const unsigned char *h;
	const char *problem;

	if (s->nhead == 0 && !s->active)
		s->starts++;
	if ((h = head_take(s, in)) == NULL)
		return s->head[0] == RECORD_VERSION ? STREAM_MORE
		                                    : bad(item, "bad-version");
	if (h[0] != RECORD_VERSION)
		return bad(item, "bad-version");
	s->type = h[1];
	s->record_id = (uint16_t)record_u16(h + 2);
	s->left = (uint16_t)record_u16(h + 4);
	s->padding = h[6];
	s->in_record = true;
	s->empty = s->left == 0;
	if ((problem = record_open(s)) != NULL)
		return bad(item, problem);
	return STREAM_REQUEST;
}

/* Takes what has come of the content of a PARAMS record; a record that is whole
 * and alone stays where it is, also when the empty one follows. */
static int
params_take(struct stream *s, struct pool *pool, struct str part)
{
	if (part.n == 0)
		return 0;
	if (part.n == s->left && params_size(s) == 0) {
		s->slice = part;
		return 0;
	}
	if (s->slice.n > 0) {
		if (held_add(&s->params, pool, s->slice.p, s->slice.n) == -1)
			return -1;
		s->slice = (struct str){NULL, 0};
	}
	return held_add(&s->params, pool, part.p, part.n);
}

/* Takes content.  Returns NULL or a problem. */
static const char *
content_take(struct stream *s, const struct stream_env *env, struct str *in)
{
	struct str part = {in->p, in->n < s->left ? in->n : s->left};
	int failed = 0;

	if (s->sink == SINK_PARAMS)
		failed = params_take(s, env->pool, part);
	else if (s->sink == SINK_VALUES)
		failed = held_add(&s->values, env->pool, part.p, part.n);
	else if (s->sink == SINK_BEGIN && part.n > 0)
		memcpy(s->head + RECORD_BODY - s->left, part.p, part.n);
	if (failed)
		return NO_MEMORY;
	*in = str_from(*in, part.n);
	s->left = (uint16_t)(s->left - part.n);
	return NULL;
}

static bool
padding_take(struct stream *s, struct str *in)
{
	size_t n = in->n < s->padding ? in->n : s->padding;

	*in = str_from(*in, n);
	s->padding = (unsigned char)(s->padding - n);
	return s->padding == 0;
}

static enum stream_event
begin_done(struct stream *s, struct stream_item *item)
{
	unsigned role = record_u16(s->head);
	bool keep = s->head[2] & RECORD_KEEP_CONN;

	if (s->active)
		return reply_end(item, REPLY_REFUSAL, s->record_id,
		    END_CANT_MPX_CONN);
	if (role != ROLE_RESPONDER && role != ROLE_AUTHORIZER) {
		(void)reply_end(item, REPLY_REFUSAL, s->record_id,
		    END_UNKNOWN_ROLE);
		item->keep = keep;
		return STREAM_REPLY;
	}
	s->active = true;
	s->params_ended = s->stdin_ended = false;
	s->id = s->record_id;
	s->role = (unsigned char)role;
	s->keep = keep;
	return STREAM_MORE;
}

static enum stream_event
abort_done(struct stream *s, struct pool *pool, struct stream_item *item)
{
	(void)reply_end(item, REPLY_ABORT, s->id, END_COMPLETE);
	item->keep = s->keep;
	item->clean = s->stdin_ended;
	request_drop(s, pool);
	return STREAM_REPLY;
}

static enum stream_event
values_done(struct stream *s, const struct stream_env *env,
    struct stream_item *item)
{
	struct str pairs = {(const char *)s->values.p, s->values.n};

	item->nreply = record_values(item->reply, pairs, env->max_connections);
	held_release(&s->values, env->pool);
	if (item->nreply == 0)
		return bad(item, BAD_PAIR);
	item->what = REPLY_MANAGEMENT;
	item->keep = true;
	return STREAM_REPLY;
}

static enum stream_event
management_done(struct stream *s, const struct stream_env *env,
    struct stream_item *item)
{
	if (s->type == RECORD_GET_VALUES)
		return values_done(s, env, item);
	/* An answer to it could be answered again, for ever. */
	if (s->type == RECORD_UNKNOWN_TYPE)
		return STREAM_MORE;
	record_unknown(item->reply, s->type);
	item->nreply = RECORD_END_SIZE;
	item->what = REPLY_MANAGEMENT;
	item->keep = true;
	return STREAM_REPLY;
}

/* An authorizer decides on the headers alone and waits for no body (FastCGI
 * 1.0, 6.3). */
static enum stream_event
request_done(struct stream *s, struct stream_item *item)
{
	if (!s->params_ended || (s->role == ROLE_RESPONDER && !s->stdin_ended))
		return STREAM_MORE;
	item->id = s->id;
	item->role = s->role == ROLE_RESPONDER ? ROLE_RESPONDER
	                                       : ROLE_AUTHORIZER;
	item->keep = s->keep;
	item->clean = s->stdin_ended;
	item->params = params_text(s);
	s->active = false;
	s->whole = true;
	return STREAM_REQUEST;
}

/* Whether the pairs so far can be true.  Asked before a record that is no part
 * of the request is answered: how the bytes were cut on their way, and so when
 * stream_park looked at them, must not show. */
static bool
pairs_good(struct stream *s)
{
	struct str params = params_text(s);

	return !s->active || params.n == 0 ||
	    pairs_plausible(params, &s->checked, STREAM_PARAMS_MAX);
}

static bool
is_of_request(const struct stream *s)
{
	return s->active && s->record_id == s->id &&
	    (s->type == RECORD_PARAMS || s->type == RECORD_STDIN);
}

/* Acts on a record that is whole, its padding too. */
static enum stream_event
record_done(struct stream *s, const struct stream_env *env,
    struct stream_item *item)
{
	s->in_record = false;
	if (!is_of_request(s) && !pairs_good(s))
		return bad(item, TOO_LONG);
	if (s->record_id == 0)
		return management_done(s, env, item);
	if (s->type == RECORD_BEGIN_REQUEST)
		return begin_done(s, item);
	if (!s->active || s->record_id != s->id)
		return STREAM_MORE;
	if (s->type == RECORD_ABORT_REQUEST)
		return abort_done(s, env->pool, item);
	if (s->type == RECORD_PARAMS && s->empty)
		s->params_ended = true;
	else if (s->type == RECORD_STDIN && s->empty)
		s->stdin_ended = true;
	else
		return STREAM_MORE;
	return request_done(s, item);
}

enum stream_event
stream_next(struct stream *s, const struct stream_env *env, struct str *in,
    struct stream_item *item)
{
	enum stream_event event;
	const char *problem;

	if (s->whole)
		request_drop(s, env->pool);
	do {
		if (!s->in_record) {
			if (in->n == 0)
				return STREAM_MORE;
			event = header_take(s, in, item);
			if (event != STREAM_REQUEST)
				return event;
		}
		if (s->left > 0 &&
		    (problem = content_take(s, env, in)) != NULL)
			return bad(item, problem);
		if (s->left > 0 || (s->padding > 0 && !padding_take(s, in)))
			return STREAM_MORE;
		event = record_done(s, env, item);
	} while (event == STREAM_MORE);
	return event;
}

const char *
stream_park(struct stream *s, const struct stream_env *env)
{
	struct str params;

	if (s->whole)
		request_drop(s, env->pool);
	if (!s->active)
		return NULL;
	if (s->slice.n > 0) {
		params = s->slice;
		s->slice = (struct str){NULL, 0};
		if (held_add(&s->params, env->pool, params.p, params.n) == -1)
			return NO_MEMORY;
	}
	return pairs_good(s) ? NULL : TOO_LONG;
}

void
stream_clear(struct stream *s, struct pool *pool)
{
	request_drop(s, pool);
	held_release(&s->values, pool);
}
