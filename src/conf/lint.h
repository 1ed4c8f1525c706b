/* lint.h - the checks at load that look at more than one value: what no
 * browser would honour, what is dangerous, and what is surely not meant. */
#ifndef PREFLIGHTD_CONF_LINT_H
#define PREFLIGHTD_CONF_LINT_H

#include "base/diag.h"
#include "core/policy.h"

/* Warnings on a list as it stands in a section. */
void lint_methods(const struct field_set *methods, struct diag *d);
void lint_headers(const struct field_set *headers, struct diag *d);

/* Warnings on a list of origins.  Returns whether lint_policy would refuse some
 * entry where credentials are allowed. */
bool lint_origins(const struct origin_set *origins, struct diag *d);

/* Whether an entry of allow-origins does not go with credentials unless
 * insecure-origins allows it: neither https nor loopback.  Not for '*' and
 * null, which never go with them. */
bool lint_is_insecure(struct str entry);

/* The same for public-suffixes: a pattern for names that anybody can
 * register. */
bool lint_is_over_suffix(struct str entry);

/* Errors on what does not go together in a policy, inherited or not.
 * risky_origins is what lint_origins returned. */
void lint_policy(const struct policy *p, bool risky_origins, struct diag *d);

/* Warnings on sealed policies whose answers web servers may not take. */
void lint_answers(const struct policy_set *s, struct diag *d);

#endif
