/* live.h - explain against a running server. */
#ifndef PREFLIGHTD_EXPLAIN_LIVE_H
#define PREFLIGHTD_EXPLAIN_LIVE_H

#include "explain/explain.h"
#include "verify/http.h"

/* What explain_run left in *e, which may be without a policy, becomes what the
 * server of the URL answers: to the preflight, if there is one, and, with
 * `whole` and if the browser goes on, to the request itself.  *live is used as
 * long as *e.  Returns 0, or -1 without memory. */
int live_explain(struct explanation *e, struct explain_live *live,
    struct http *http, bool whole);

#endif
