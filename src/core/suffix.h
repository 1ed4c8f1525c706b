/* suffix.h - the Public Suffix List.  The only user of libpsl. */
#ifndef PREFLIGHTD_CORE_SUFFIX_H
#define PREFLIGHTD_CORE_SUFFIX_H

#include "base/str.h"

/* Whether anybody may register names right below the (lower-case, ASCII)
 * domain: "com", "github.io".  Top-level names that the list does not have,
 * such as those of private networks, are not public.  The caller excludes
 * loopback names. */
bool suffix_is_public(struct str domain);

#endif
