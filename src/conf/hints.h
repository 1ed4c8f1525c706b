/* hints.h - values as other software's configurations have them:
 * expressions, quotes, lists in JSON.  They are errors here as anywhere, but
 * say what to write in place of what was meant. */
#ifndef PREFLIGHTD_CONF_HINTS_H
#define PREFLIGHTD_CONF_HINTS_H

#include "base/diag.h"
#include "core/origin.h"

/* As origin_parse; where the entry is foreign its first finding alone is added,
 * with the hint that fits. */
int conf_foreign_parse(struct str entry, struct origin *out, struct diag *d,
    struct place at);

/* What other software calls yes (1) or no (0); -1 for all else. */
int conf_foreign_choice(struct str value);

#endif
