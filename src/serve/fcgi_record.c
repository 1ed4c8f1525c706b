#include "config.h"

#include "serve/fcgi_record.h"

#include <stdio.h>

/* The lengths in front of a pair. */
struct lengths {
	size_t head; /* bytes that they take themselves */
	size_t name, value;
};

void
record_header(unsigned char out[RECORD_HEADER], enum record_type type,
    unsigned id, size_t content)
{
	out[0] = RECORD_VERSION;
	out[1] = (unsigned char)type;
	out[2] = (unsigned char)(id >> 8);
	out[3] = (unsigned char)id;
	out[4] = (unsigned char)(content >> 8);
	out[5] = (unsigned char)content;
	out[6] = 0;
	out[7] = 0;
}

void
record_end(unsigned char out[RECORD_END_SIZE], unsigned id,
    enum record_status status)
{
	memset(out, 0, RECORD_END_SIZE);
	record_header(out, RECORD_END_REQUEST, id, RECORD_BODY);
	out[RECORD_HEADER + 4] = (unsigned char)status;
}

void
record_unknown(unsigned char out[RECORD_END_SIZE], unsigned type)
{
	memset(out, 0, RECORD_END_SIZE);
	record_header(out, RECORD_UNKNOWN_TYPE, 0, RECORD_BODY);
	out[RECORD_HEADER] = (unsigned char)type;
}

/* Reads one length at *at.  Returns false where it is not all there. */
static bool
length_next(struct str s, size_t *at, size_t *length)
{
	const unsigned char *p = (const unsigned char *)s.p + *at;
	size_t left = s.n - *at;

	if (left > 0 && p[0] < 0x80) {
		*length = p[0];
		*at += 1;
		return true;
	}
	if (left < 4)
		return false;
	*length = (size_t)(p[0] & 0x7f) << 24 | (size_t)p[1] << 16 |
	    (size_t)p[2] << 8 | p[3];
	*at += 4;
	return true;
}

static bool
lengths_read(struct str s, struct lengths *l)
{
	l->head = 0;
	return length_next(s, &l->head, &l->name) &&
	    length_next(s, &l->head, &l->value);
}

enum pair
pair_next(struct str *rest, struct str *name, struct str *value)
{
	struct lengths l;

	if (rest->n == 0)
		return PAIR_END;
	/* Each length is below 2^31, so with 64 bits nothing overflows; with 32
	 * the second comparison cannot, after the first. */
	if (!lengths_read(*rest, &l) || l.name > rest->n - l.head ||
	    l.value > rest->n - l.head - l.name)
		return PAIR_CUT;
	*name = (struct str){rest->p + l.head, l.name};
	*value = (struct str){name->p + l.name, l.value};
	*rest = str_from(*rest, l.head + l.name + l.value);
	return PAIR_GOOD;
}

bool
pairs_plausible(struct str stream, size_t *checked, size_t max)
{
	struct str rest = str_from(stream, *checked), name, value;
	struct lengths l;

	while (pair_next(&rest, &name, &value) == PAIR_GOOD)
		*checked = stream.n - rest.n;
	if (!lengths_read(rest, &l))
		return true;
	return l.name <= max && l.value <= max &&
	    l.head + l.name + l.value <= max - *checked;
}

/* Appends one pair with lengths under 128. */
static size_t
pair_put(unsigned char *out, struct str name, struct str value)
{
	out[0] = (unsigned char)name.n;
	out[1] = (unsigned char)value.n;
	memcpy(out + 2, name.p, name.n);
	memcpy(out + 2 + name.n, value.p, value.n);
	return 2 + name.n + value.n;
}

size_t
record_values(unsigned char out[RECORD_VALUES_MAX], struct str pairs,
    unsigned max)
{
	enum { MPXS_CONNS = 2, COUNT = 3 };
	static const char *const known[COUNT] = {"FCGI_MAX_CONNS",
	    "FCGI_MAX_REQS", "FCGI_MPXS_CONNS"};
	bool done[COUNT] = {false};
	char number[16];
	struct str name, value, answer;
	size_t n = RECORD_HEADER;
	enum pair got;

	snprintf(number, sizeof number, "%u", max);
	while ((got = pair_next(&pairs, &name, &value)) == PAIR_GOOD)
		for (size_t i = 0; i < COUNT; i++) {
			if (done[i] || !str_eq(name, str_of(known[i])))
				continue;
			answer = i == MPXS_CONNS ? STR("0") : str_of(number);
			n += pair_put(out + n, name, answer);
			done[i] = true;
		}
	if (got == PAIR_CUT)
		return 0;
	record_header(out, RECORD_GET_VALUES_RESULT, 0, n - RECORD_HEADER);
	return n;
}
