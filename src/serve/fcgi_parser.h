/* fcgi_parser.h - what a web server sends on one connection, record by record,
 * until a whole request is there.  It takes bytes as they come, keeps only the
 * parameters, and never looks at a byte twice before the request is whole: half
 * a request costs what its bytes cost.  It knows neither sockets nor policies.
 *
 * One request at a time is read, as FCGI_MPXS_CONNS = 0 promises. */
#ifndef PREFLIGHTD_SERVE_FCGI_PARSER_H
#define PREFLIGHTD_SERVE_FCGI_PARSER_H

#include "serve/fcgi_record.h"
#include "serve/pool.h"

enum {
	STREAM_PARAMS_MAX = 1024 * 1024, /* bytes of parameters of a request */
	STREAM_REPLY_MAX = RECORD_VALUES_MAX,
};

/* Where the content of the record that is being read goes. */
enum stream_sink { SINK_SKIP, SINK_BEGIN, SINK_PARAMS, SINK_VALUES };

/* One connection's state; all zero at its start. */
struct stream {
	unsigned char head[RECORD_HEADER]; /* a header or BEGIN body, in part */
	unsigned char nhead;
	bool in_record;          /* a header has been read, not yet its end */
	bool empty;              /* ... and says no content: a stream's end */
	bool active;             /* between BEGIN and the whole request */
	bool params_ended, stdin_ended, keep;
	bool whole;              /* the last item was a request */
	unsigned char type, role, padding;
	uint16_t id, record_id;  /* of the request; of the record */
	uint16_t left;           /* bytes of content to come */
	enum stream_sink sink;
	unsigned starts;         /* requests begun, to see that one is new */
	struct str slice;        /* PARAMS that lie whole in the input */
	struct held params;      /* the others */
	struct held values;      /* a GET_VALUES in part */
	size_t checked;          /* bytes of params in whole pairs */
};

/* What every connection of a worker has in common. */
struct stream_env {
	struct pool *pool;
	unsigned max_connections; /* for FCGI_MAX_CONNS */
};

enum stream_event {
	STREAM_MORE,    /* all input is taken */
	STREAM_REQUEST, /* a request is whole */
	STREAM_REPLY,   /* bytes are to be sent, no request is behind them */
	STREAM_BAD,     /* this is not FastCGI, or too long: close */
};

/* What the bytes of a STREAM_REPLY answer. */
enum stream_reply {
	REPLY_MANAGEMENT, /* a record of the connection, not of a request */
	REPLY_ABORT,      /* ABORT_REQUEST */
	REPLY_REFUSAL,    /* a BEGIN_REQUEST that is not taken */
};

/* What stream_next found. */
struct stream_item {
	unsigned id;
	enum record_role role;
	struct str params;   /* the whole stream of pairs; lasts until the next
	                        call and as long as the input does */
	bool keep;           /* else the connection is to be closed behind it */
	bool clean;          /* no more records of this request will come */
	unsigned char reply[STREAM_REPLY_MAX];
	size_t nreply;
	enum stream_reply what; /* STREAM_REPLY */
	const char *problem; /* STREAM_BAD: a word for logs */
};

/* Takes bytes from *in up to the end of the next thing to do. */
enum stream_event stream_next(struct stream *s, const struct stream_env *env,
    struct str *in, struct stream_item *item);

/* To be called before the input's memory goes away: what is still needed of it
 * is copied, and pairs that lie about their length are found.  Returns NULL, or
 * a problem as in stream_item. */
const char *stream_park(struct stream *s, const struct stream_env *env);

/* Whether a request or a record has begun and is not yet whole. */
static inline bool
stream_is_busy(const struct stream *s)
{
	return s->active || s->in_record || s->nhead > 0;
}

/* Gives its memory back. */
void stream_clear(struct stream *s, struct pool *pool);

#endif
