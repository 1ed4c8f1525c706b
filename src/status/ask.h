/* browser/policy_query.h - which requests are for the status page, and in which
 * form. */
#ifndef PREFLIGHTD_STATUS_ASK_H
#define PREFLIGHTD_STATUS_ASK_H

#include "core/request.h"

enum status_form { STATUS_TEXT, STATUS_JSON, STATUS_METRICS, STATUS_HTML };

struct status_ask {
	enum status_form form;
	bool head;    /* without the body */
	bool refused; /* another method than GET and HEAD */
};

enum { STATUS_PATH_MAX = 1000 };

/* Whether a path can be that of the status page: as it is compared, "/a/b". */
bool status_path_valid(struct str path);

/* Whether a request, which is not OPTIONS, has exactly this path, decoded as
 * web servers do. "" is nobody's path.  Fills *out if so. */
bool status_asked(struct str path, const struct request *r,
    struct status_ask *out);

#endif
