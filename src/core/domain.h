/* domain.h - internationalized host names (UTS #46, non-transitional, as
 * browsers do it) and the Public Suffix List: all that uses libidn2 and
 * libpsl. */
#ifndef PREFLIGHTD_CORE_DOMAIN_H
#define PREFLIGHTD_CORE_DOMAIN_H

#include "base/buf.h"
#include "base/str.h"

/* Adds the lower-case ASCII form of a UTF-8 host to out.  Returns false, with
 * out as it was, where the host has none or it does not fit. */
bool idn_to_ascii(struct str host, struct buf *out);

/* Whether an xn-- label decodes, and encodes back to itself. */
bool idn_label_valid(struct str label);

/* Whether anybody may register names right below the (lower-case, ASCII)
 * domain: "com", "github.io".  Top-level names that the list does not have,
 * such as those of private networks, are not public.  The caller excludes
 * loopback names. */
bool suffix_is_public(struct str domain);

#endif
