/* cache.c - what browsers keep of a preflight's answer (Fetch,
 * #cors-preflight-cache);
 * engines.c has the numbers. */
#include "config.h"

#include "browser/browser.h"

#include <limits.h>

#include "base/parse.h"
#include "core/field.h"

#define ALLOW_METHODS STR("access-control-allow-methods")
#define ALLOW_HEADERS STR("access-control-allow-headers")
#define STAR STR("*")

enum { AGE_DEFAULT = 5 };

/* ---- for how long ------------------------------------------------------ */

/* Digits and nothing else; what is too large for the type stays at its
 * limit. */
static bool
parse_seconds(struct str s, unsigned long *out)
{
	return s.n > 0 && digits_parse(s, out) == s.n;
}

unsigned long
browser_max_age(enum browser_profile profile,
    const struct browser_answer *answer)
{
	const struct browser_engine *e = &browser_engines[profile];
	struct header_lines lines = headers_find(&answer->headers,
	    STR("access-control-max-age"));
	unsigned long seconds;
	struct str value;

	if (lines.count == 0)
		return AGE_DEFAULT;
	value = lines.first->value;
	if (lines.count == 1 && parse_seconds(value, &seconds))
		return seconds < e->age_max ? seconds : e->age_max;
	if (lines.count == 1 && value.n > 1 && value.p[0] == '-' &&
	    parse_seconds(str_from(value, 1), &seconds))
		return e->age_negative;
	return e->age_invalid;
}

/* ---- for what ---------------------------------------------------------- */

bool
browser_cache_covers(enum browser_profile profile,
    const struct browser_request *earlier, const struct browser_answer *answer,
    const struct browser_request *later, const struct browser_plan *plan)
{
	const struct browser_engine *e = &browser_engines[profile];
	const struct headers *h = &answer->headers;
	bool method = method_is_safelisted(later->method) &&
	    later->flag == FLAG_NONE &&
	    !(e->caches_head && str_eq(later->method, STR("HEAD")));
	bool star = e->caches_star &&
	    headers_list_has(h, ALLOW_HEADERS, STAR, LIST_EXACT);
	struct str bad;

	/* Without a list a forced preflight stands for its own method. */
	method = method ||
	    headers_list_has(h, ALLOW_METHODS, later->method, LIST_EXACT) ||
	    (e->caches_star &&
	        headers_list_has(h, ALLOW_METHODS, STAR, LIST_EXACT)) ||
	    (earlier->flag != FLAG_NONE &&
	        headers_list_state(h, ALLOW_METHODS, &bad) == LIST_ABSENT &&
	        str_eq(earlier->method, later->method));
	if (!method || browser_max_age(profile, answer) == 0 ||
	    (later->credentials && !earlier->credentials))
		return false;
	for (size_t i = 0; i < plan->nnames; i++)
		if (!headers_list_has(h, ALLOW_HEADERS, plan->names[i],
		        LIST_FOLD) &&
		    !(star && !str_eq(plan->names[i], STR("authorization"))))
			return false;
	return true;
}
