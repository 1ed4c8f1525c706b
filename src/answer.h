/* answer.h - from the parameters of a whole request to the text of its answer,
 * counted and logged.  It knows neither records nor sockets. */
#ifndef PREFLIGHTD_ANSWER_H
#define PREFLIGHTD_ANSWER_H

#include "counters.h"
#include "policy.h"
#include "record.h"
#include "shadow.h"
#include "str.h"

/* How many bytes the longest answer of these policies needs. */
size_t answer_max(const struct policy_set *policies);

/* Writes the CGI response for a request with these parameters to text, which
 * has answer_max bytes: that of a preflight, or with CORS_MODE=actual and for
 * an authorizer the fields of the actual response.  shadow, which may be
 * NULL, judges preflights beside them.  Returns its length, or -1 where a pair
 * is malformed: then nothing was counted. */
ptrdiff_t answer_write(const struct policy_set *policies,
    struct shadow *shadow, enum record_role role, struct str params,
    bool log_all, struct counters *counters, char *text, size_t cap);

#endif
