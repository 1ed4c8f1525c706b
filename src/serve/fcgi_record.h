/* fcgi_record.h - the bytes of FastCGI 1.0: record headers, name-value pairs,
 * and the records that are answered without any application behind them. */
#ifndef PREFLIGHTD_SERVE_FCGI_RECORD_H
#define PREFLIGHTD_SERVE_FCGI_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

enum {
	RECORD_VERSION = 1,
	RECORD_HEADER = 8,       /* bytes of a header */
	RECORD_BODY = 8,         /* bytes of BEGIN_REQUEST and END_REQUEST */
	RECORD_END_SIZE = RECORD_HEADER + RECORD_BODY,
	RECORD_VALUES_MAX = 128, /* bytes of the longest GET_VALUES_RESULT */
	RECORD_KEEP_CONN = 1,    /* flag in BEGIN_REQUEST */
};

enum record_type {
	RECORD_BEGIN_REQUEST = 1,
	RECORD_ABORT_REQUEST = 2,
	RECORD_END_REQUEST = 3,
	RECORD_PARAMS = 4,
	RECORD_STDIN = 5,
	RECORD_STDOUT = 6,
	RECORD_STDERR = 7,
	RECORD_DATA = 8,
	RECORD_GET_VALUES = 9,
	RECORD_GET_VALUES_RESULT = 10,
	RECORD_UNKNOWN_TYPE = 11,
};

enum record_role {
	ROLE_RESPONDER = 1,
	ROLE_AUTHORIZER = 2,
	ROLE_FILTER = 3,
};

enum record_status {
	END_COMPLETE = 0,
	END_CANT_MPX_CONN = 1,
	END_OVERLOADED = 2,
	END_UNKNOWN_ROLE = 3,
};

static inline unsigned
record_u16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Writes a header without padding. */
void record_header(unsigned char out[RECORD_HEADER], enum record_type type,
    unsigned id, size_t content);

/* Writes END_REQUEST with application status 0. */
void record_end(unsigned char out[RECORD_END_SIZE], unsigned id,
    enum record_status status);

/* Writes UNKNOWN_TYPE for a management record of that type. */
void record_unknown(unsigned char out[RECORD_END_SIZE], unsigned type);

/* Writes the answer to the pairs of a GET_VALUES: the variables of the
 * specification, each once, in the order asked; other names are left out.
 * max is for FCGI_MAX_CONNS and FCGI_MAX_REQS.  Returns its length, or 0 where
 * the pairs are malformed. */
size_t record_values(unsigned char out[RECORD_VALUES_MAX], struct str pairs,
    unsigned max);

enum pair {
	PAIR_GOOD,
	PAIR_END, /* nothing is left */
	PAIR_CUT, /* the pair is longer than what is left */
};

/* Takes the next name-value pair from *rest, where it is whole; name and value
 * are parts of it. */
enum pair pair_next(struct str *rest, struct str *name, struct str *value);

/* Looks at what has come of a stream of pairs from *checked on, and moves
 * *checked behind the last whole pair.  Returns false where a pair says that
 * the stream is going to be longer than max bytes. */
bool pairs_plausible(struct str stream, size_t *checked, size_t max);

#endif
