/* fcgi_parser.h - what a web server sends on one connection, record by record,
 * until a whole request is there.  It takes bytes as they come, keeps only the
 * parameters, and does not read them again from the start as more come: half a
 * request costs what its bytes cost.  It knows neither sockets nor policies.
 *
 * One request at a time is read, as FCGI_MPXS_CONNS = 0 promises. */
#ifndef PREFLIGHTD_SERVE_FCGI_PARSER_H
#define PREFLIGHTD_SERVE_FCGI_PARSER_H

#include "serve/fcgi_record.h"
#include "serve/pool.h"

enum {
	PARSER_PARAMS_MAX = 1024 * 1024, /* bytes of parameters of a request */
	PARSER_REPLY_MAX = RECORD_VALUES_MAX,
};

/* Where the content of the record that is being read goes. */
enum parser_sink { SINK_SKIP, SINK_BEGIN, SINK_PARAMS, SINK_VALUES };

/* One connection's state; all zero at its start. */
struct fcgi_parser {
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
	enum parser_sink sink;
	unsigned starts;         /* requests begun, to see that one is new */
	struct held params;
	struct held values;      /* a GET_VALUES in part */
	size_t checked;          /* bytes of params in whole pairs */
};

/* What every connection of a worker has in common. */
struct parser_env {
	struct pool *pool;
	unsigned max_connections; /* for FCGI_MAX_CONNS */
};

enum parser_event {
	PARSER_MORE,    /* all input is taken */
	PARSER_REQUEST, /* a request is whole */
	PARSER_REPLY,   /* bytes are to be sent, no request is behind them */
	PARSER_BAD,     /* this is not FastCGI, or too long: close */
};

/* What the bytes of a PARSER_REPLY answer. */
enum parser_reply {
	REPLY_MANAGEMENT, /* a record of the connection, not of a request */
	REPLY_ABORT,      /* ABORT_REQUEST */
	REPLY_REFUSAL,    /* a BEGIN_REQUEST that is not taken */
};

/* What parser_next found. */
struct parser_item {
	unsigned id;
	enum record_role role;
	struct str params;   /* the whole stream of pairs; lasts until the next
	                        call */
	bool keep;           /* else the connection is to be closed behind it */
	bool clean;          /* no more records of this request will come */
	unsigned char reply[PARSER_REPLY_MAX];
	size_t nreply;
	enum parser_reply what; /* PARSER_REPLY */
	const char *problem; /* PARSER_BAD: a word for logs */
};

/* Takes bytes from *in up to the end of the next thing to do. */
enum parser_event parser_next(struct fcgi_parser *f,
    const struct parser_env *env, struct str *in, struct parser_item *item);

/* To be called when no input is left for now: gives back what is not needed any
 * more, and finds pairs that lie about their length.  Returns NULL, or a
 * problem as in parser_item. */
const char *parser_pause(struct fcgi_parser *f, const struct parser_env *env);

/* Whether a request or a record has begun and is not yet whole. */
static inline bool
parser_is_busy(const struct fcgi_parser *f)
{
	return f->active || f->in_record || f->nhead > 0;
}

/* Gives its memory back. */
void parser_clear(struct fcgi_parser *f, struct pool *pool);

#endif
