/* idn.h - internationalized host names (UTS #46, non-transitional, as browsers
 * do it).  The only user of libidn2. */
#ifndef PREFLIGHTD_CORE_IDN_H
#define PREFLIGHTD_CORE_IDN_H

#include "base/buf.h"
#include "base/str.h"

/* Adds the lower-case ASCII form of a UTF-8 host to out.  Returns false, with
 * out as it was, where the host has none or it does not fit. */
bool idn_to_ascii(struct str host, struct buf *out);

/* Whether an xn-- label decodes, and encodes back to itself. */
bool idn_label_valid(struct str label);

#endif
