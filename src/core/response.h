/* response.h - a decision as a CGI response: the Status line, the header fields
 * and an empty line (RFC 3875, 6). */
#ifndef PREFLIGHTD_CORE_RESPONSE_H
#define PREFLIGHTD_CORE_RESPONSE_H

#include "core/policy.h"
#include "core/preflight.h"
#include "core/request.h"

/* How many bytes of buffer the longest reply of these policies needs, for any
 * request whose Origin is at most as long as the policies can allow. */
size_t reply_max(const struct policy_set *s);

/* Writes the answer and returns its length; cap is at least reply_max. */
size_t reply_write(const struct policy_set *s, const struct request *r,
    const struct decision *d, char *out, size_t cap);

/* The same for a decision of preflight_decide_actual: 204 and the fields that
 * the actual response should carry. */
size_t reply_write_actual(const struct request *r, const struct decision *d,
    char *out, size_t cap);

/* The same for an authorizer (FastCGI 1.0, 6.3): 200, which lets the request
 * through, and each field as a Variable- for the web server. */
size_t reply_write_authorizer(const struct request *r,
    const struct decision *d, char *out, size_t cap);

#endif
