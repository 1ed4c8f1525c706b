/* policy_render.h - the parts of an answer that do not depend on the request,
 * made once per policy. */
#ifndef PREFLIGHTD_CORE_POLICY_RENDER_H
#define PREFLIGHTD_CORE_POLICY_RENDER_H

#include "base/arena.h"
#include "core/policy.h"

/* The field of every answer to OPTIONS. */
#define POLICY_VARY                                                            \
	"Vary: Origin, Access-Control-Request-Method, "                        \
	"Access-Control-Request-Headers\r\n"

/* Fills the rendered members of p.  Returns 0, or -1 without memory. */
int policy_render(struct policy *p, struct arena *a);

/* "Status: 204 No Content\r\n", with "Content-Length: 0" where a status may
 * have a body; p is NULL without memory. */
struct str status_line_render(int status, struct arena *a);

/* How many bytes the preflight answers of p take at most. */
size_t policy_answer_max(const struct policy *p);

/* Whether the Allow field of a policy with the method '*' has this one without
 * its being listed. */
bool policy_star_lists(struct str method);

#endif
