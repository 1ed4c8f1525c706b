/* make_policies.h - a policy file from a few bytes, so that a fuzzer soon has
 * many that are good. */
#ifndef PREFLIGHTD_MAKE_POLICIES_H
#define PREFLIGHTD_MAKE_POLICIES_H

#include "base/buf.h"

/* Adds the file that the bytes choose; where they end, it goes on as with
 * zeros. */
void make_policies(struct str bytes, struct buf *out);

#endif
