/* cache.c - what browsers keep of a preflight's answer (Fetch,
 * #cors-preflight-cache), with what each engine does otherwise. */
#include "config.h"

#include "browser/browser.h"

#include <limits.h>

#include "browser/browser_impl.h"
#include "core/field.h"

#define ALLOW_METHODS STR("access-control-allow-methods")
#define ALLOW_HEADERS STR("access-control-allow-headers")
#define MAX_AGE STR("access-control-max-age")
#define STAR STR("*")

enum { AGE_DEFAULT = 5 };

/* ---- for how long ------------------------------------------------------ */

static const struct {
	unsigned long cap;      /* seconds */
	unsigned long no_number; /* what stands for a value that is none */
	unsigned long negative;
} engines[BROWSER_COUNT] = {
	[BROWSER_SPEC] = {ULONG_MAX, AGE_DEFAULT, AGE_DEFAULT},
	[BROWSER_CHROMIUM] = {7200, AGE_DEFAULT, 0},
	[BROWSER_FIREFOX] = {86400, 0, 0},
	[BROWSER_WEBKIT] = {600, AGE_DEFAULT, 0},
};

/* Digits and nothing else; what is too large for the type stays at its limit.
 * Returns false where it is no number. */
static bool
parse_seconds(struct str s, unsigned long *out)
{
	*out = 0;
	for (size_t i = 0; i < s.n; i++) {
		unsigned long digit;

		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
		digit = (unsigned long)(s.p[i] - '0');
		*out = *out > (ULONG_MAX - digit) / 10 ? ULONG_MAX :
		    *out * 10 + digit;
	}
	return s.n > 0;
}

unsigned long
browser_max_age(enum browser_profile profile,
    const struct browser_answer *answer)
{
	struct header_lines lines = headers_find(&answer->headers, MAX_AGE);
	unsigned long seconds;
	struct str value;

	if (lines.count == 0)
		return AGE_DEFAULT;
	value = lines.first->value;
	if (lines.count == 1 && parse_seconds(value, &seconds))
		return seconds < engines[profile].cap ? seconds :
		    engines[profile].cap;
	if (lines.count == 1 && value.n > 1 && value.p[0] == '-' &&
	    parse_seconds(str_from(value, 1), &seconds))
		return engines[profile].negative;
	return engines[profile].no_number;
}

/* ---- for what ---------------------------------------------------------- */

/* Firefox compares names only: a '*' that it kept matches nothing. */
static bool
kept_star(enum browser_profile profile, const struct browser_answer *answer,
    struct str list)
{
	return profile != BROWSER_FIREFOX &&
	    headers_list_has(&answer->headers, list, STAR, LIST_EXACT);
}

static bool
covers_method(enum browser_profile profile,
    const struct browser_request *earlier, const struct browser_answer *answer,
    const struct browser_request *later)
{
	bool needed = !method_is_safelisted(later->method) ||
	    later->flag != FLAG_NONE || (profile == BROWSER_FIREFOX &&
	        str_eq(later->method, STR("HEAD")));
	struct str bad;

	if (!needed || kept_star(profile, answer, ALLOW_METHODS) ||
	    headers_list_has(&answer->headers, ALLOW_METHODS, later->method,
	        LIST_EXACT))
		return true;
	/* Without a list a forced preflight stands for its own method. */
	return earlier->flag != FLAG_NONE &&
	    headers_list_state(&answer->headers, ALLOW_METHODS, &bad) ==
	        LIST_ABSENT && str_eq(earlier->method, later->method);
}

static bool
covers_header(enum browser_profile profile,
    const struct browser_answer *answer, struct str name)
{
	if (headers_list_has(&answer->headers, ALLOW_HEADERS, name, LIST_FOLD))
		return true;
	return kept_star(profile, answer, ALLOW_HEADERS) &&
	    !str_eq_fold(name, STR("authorization"));
}

bool
browser_cache_covers(enum browser_profile profile,
    const struct browser_request *earlier, const struct browser_answer *answer,
    const struct browser_request *later, const struct browser_plan *plan)
{
	if (browser_max_age(profile, answer) == 0 ||
	    (later->credentials && !earlier->credentials) ||
	    !covers_method(profile, earlier, answer, later))
		return false;
	for (size_t i = 0; i < plan->nnames; i++)
		if (!covers_header(profile, answer, plan->names[i]))
			return false;
	return true;
}
