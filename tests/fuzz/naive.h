/* naive.h - what policies mean, worked out from the documentation in the
 * simplest way: every entry is compared with every request, and nothing is
 * shared with what serves but the lists as they were read. */
#ifndef PREFLIGHTD_NAIVE_H
#define PREFLIGHTD_NAIVE_H

#include "base/str.h"
#include "core/policy.h"
#include "core/preflight.h"

/* RFC 9110, 5.6.2. */
bool naive_token(struct str s);

/* Printable ASCII alone. */
bool naive_is_clean(struct str s);

/* Whether an entry of allow-origins allows the Origin. */
bool naive_entry_allows(struct str entry, struct str origin);

/* The elements of a list header: what stands between commas, without white
 * space around it and without empty ones.  *at is where to look, from 0. */
bool naive_element(struct str list, size_t *at, struct str *element);

/* A host as policies are compared with; none where it is absent. */
enum naive_host { NAIVE_HOST, NAIVE_NO_HOST, NAIVE_MALFORMED };
enum { NAIVE_HOST_BYTES = 260 };
enum naive_host naive_host_read(struct str raw, char out[NAIVE_HOST_BYTES],
    size_t *n);

/* Works out what a path of less than NAIVE_PATH_BYTES may be read as, in any
 * order of what servers do to it, and returns how many texts that makes on the
 * way; *all: there are not more than are kept.  0 for what is no path. */
enum { NAIVE_PATH_BYTES = 4096, NAIVE_TEXTS = 600 };
size_t naive_readings(struct str path, bool decoded, bool *all);

/* The i-th of them, until the next call of naive_readings.  Whether it is a
 * reading, decoded once at least and without dot segments. */
bool naive_reading(size_t i, struct str *out);

/* Whether the prefix covers the path. */
bool naive_path_under(struct str path, struct str prefix);

/* A request as pairs of parameters. */
struct naive_param {
	struct str name, value;
};
struct naive_request {
	const struct naive_param *params;
	size_t count;
};

/* Of a parameter that is set and not empty the n-th value, from 0; false
 * without one. */
bool naive_value(const struct naive_request *r, const char *name, size_t n,
    struct str *value);

/* What has to come of a request. */
struct naive_decision {
	enum reason reason;
	const struct policy *policy;
	bool origin_allowed;
	bool unsure; /* whether there are too many readings of the path */
};
void naive_decide(const struct policy_set *s, const struct naive_request *r,
    struct naive_decision *out);

/* Whether a policy allows the header of that name. */
bool naive_header_allowed(const struct policy *p, struct str name);

#endif
