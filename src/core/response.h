/* response.h - a decision as a CGI response: the Status line, the header fields
 * and an empty line (RFC 3875, 6). */
#ifndef PREFLIGHTD_CORE_RESPONSE_H
#define PREFLIGHTD_CORE_RESPONSE_H

#include "base/arena.h"
#include "core/policy.h"
#include "core/preflight.h"
#include "core/request.h"

/* Fills the rendered members of p.  Returns 0, or -1 without memory. */
int policy_render(struct policy *p, struct arena *a);

/* "Status: 204 No Content\r\n", with "Content-Length: 0" where a status may
 * have a body; p is NULL without memory. */
struct str status_line_render(int status, struct arena *a);

/* Whether the Allow field of a policy with the method '*' has this one without
 * its being listed. */
bool policy_star_lists(struct str method);

/* How many bytes of buffer the longest reply of these policies needs, for any
 * request whose Origin is at most as long as the policies can allow. */
size_t reply_max(const struct policy_set *s);

/* How many bytes the preflight answers of p take at most. */
size_t policy_answer_max(const struct policy *p);

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
