/* unit.h - what the unit tests share. */
#ifndef PREFLIGHTD_UNIT_H
#define PREFLIGHTD_UNIT_H

#include <criterion/criterion.h>

#include "base/diag.h"
#include "base/str.h"
#include "core/policy.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Writes text to a file of its own and loads it as a policy; findings go to d.
 * The caller frees the result, which is NULL where there was an error. */
struct policy_set *unit_load(const char *text, struct diag *d);

/* The same for a policy that must be good. */
struct policy_set *unit_policy(const char *text);

/* A str over a literal that may hold NULs. */
#define RAW(literal) ((struct str){(literal), sizeof(literal) - 1})

/* The ids of all findings in order, separated by spaces; owned by the caller. */
char *unit_ids(struct diag *d);

#endif
