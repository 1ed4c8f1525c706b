/* engines.c - what each browser engine does otherwise than the Fetch standard,
 * and what its console says.  In texts: %s is the value, method or header that
 * it is about, %u the URL, %o the page's origin, %r the reason, %k "fetch" or
 * "XMLHttpRequest"; %p and %c are there for some failures alone. */
#include "config.h"

#include "browser/browser.h"

#include <limits.h>

/* Typographic quotes, as Firefox prints them. */
#define LQ "\u2018"
#define RQ "\u2019"

const struct browser_engine browser_engines[BROWSER_COUNT] = {
	[BROWSER_SPEC] = {
		.name = "spec",
		.authorization_rule = true,
		.caches_star = true,
		.age_max = ULONG_MAX, .age_invalid = 5, .age_negative = 5,
	},
	[BROWSER_CHROMIUM] = {
		.name = "chromium", .title = "Chromium", .product = "Chrome",
		.drops_user_agent = true, .safelists_hints = true,
		.caches_star = true,
		.age_max = 7200, .age_invalid = 5, .age_negative = 0,
		.refused = "TypeError: Failed to execute 'fetch' on 'Window': "
		    "'%s' HTTP method is unsupported.",
		.refused_xhr = "SecurityError: Failed to execute 'open' on "
		    "'XMLHttpRequest': '%s' HTTP method is unsupported.",
		.blocked = "Access to %k at '%u' from origin '%o' has been "
		    "blocked by CORS policy: %p%r",
		.reasons = {
	[CODE_ACAO_MISSING] = ("No 'Access-Control-Allow-Origin' header is "
	    "present on the requested resource."),
	[CODE_ACAO_STAR_CREDENTIALS] = ("The value of the "
	    "'Access-Control-Allow-Origin' header in the response must not be "
	    "the wildcard '*' when the request's credentials mode is "
	    "'include'."),
	[CODE_ACAO_MULTIPLE] = ("The 'Access-Control-Allow-Origin' header "
	    "contains multiple values '%s', but only one is allowed."),
	[CODE_ACAO_INVALID] = ("The 'Access-Control-Allow-Origin' header "
	    "contains the invalid value '%s'."),
	[CODE_ACAO_MISMATCH] = ("The 'Access-Control-Allow-Origin' header has "
	    "a value '%s' that is not equal to the supplied origin."),
	[CODE_ACAC_MISSING] = ("The value of the "
	    "'Access-Control-Allow-Credentials' header in the response is '' "
	    "which must be 'true' when the request's credentials mode is "
	    "'include'."),
	[CODE_ACAC_INVALID] = ("The value of the "
	    "'Access-Control-Allow-Credentials' header in the response is '%s' "
	    "which must be 'true' when the request's credentials mode is "
	    "'include'."),
	[CODE_STATUS] = "It does not have HTTP ok status.",
	[CODE_REDIRECT] = "Redirect is not allowed for a preflight request.",
	[CODE_ACAM_SYNTAX] = ("Cannot parse Access-Control-Allow-Methods "
	    "response header field in preflight response."),
	[CODE_ACAH_SYNTAX] = ("Cannot parse Access-Control-Allow-Headers "
	    "response header field in preflight response."),
	[CODE_METHOD] = ("Method %s is not allowed by "
	    "Access-Control-Allow-Methods in preflight response."),
	[CODE_AUTHORIZATION] = ("Request header field %s is not allowed by "
	    "Access-Control-Allow-Headers in preflight response."),
	[CODE_HEADER] = ("Request header field %s is not allowed by "
	    "Access-Control-Allow-Headers in preflight response."),
		},
	},
	[BROWSER_FIREFOX] = {
		.name = "firefox", .title = "Firefox", .product = "Firefox",
		.caches_head = true,
		.age_max = 86400, .age_invalid = 0, .age_negative = 0,
		.refused = "TypeError: Invalid request method %s.",
		.refused_xhr = "TypeError: Invalid request method %s.",
		.blocked = "Cross-Origin Request Blocked: The Same Origin "
		    "Policy disallows reading the remote resource at %u. "
		    "(Reason: %r).%c",
		.reasons = {
	[CODE_ACAO_MISSING] = ("CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " missing"),
	[CODE_ACAO_STAR_CREDENTIALS] = ("Credential is not supported if the "
	    "CORS header " LQ "Access-Control-Allow-Origin" RQ " is "
	    LQ "*" RQ),
	[CODE_ACAO_MULTIPLE] = ("Multiple CORS header "
	    LQ "Access-Control-Allow-Origin" RQ " not allowed"),
	[CODE_ACAO_INVALID] = ("CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " does not match " LQ "%s" RQ),
	[CODE_ACAO_MISMATCH] = ("CORS header " LQ "Access-Control-Allow-Origin"
	    RQ " does not match " LQ "%s" RQ),
	[CODE_ACAC_MISSING] = ("expected " LQ "true" RQ " in CORS header "
	    LQ "Access-Control-Allow-Credentials" RQ),
	[CODE_ACAC_INVALID] = ("expected " LQ "true" RQ " in CORS header "
	    LQ "Access-Control-Allow-Credentials" RQ),
	[CODE_STATUS] = "CORS preflight response did not succeed",
	[CODE_REDIRECT] = "CORS request external redirect not allowed",
	[CODE_ACAM_SYNTAX] = ("invalid token " LQ "%s" RQ " in CORS header "
	    LQ "Access-Control-Allow-Methods" RQ),
	[CODE_ACAH_SYNTAX] = ("invalid token " LQ "%s" RQ " in CORS header "
	    LQ "Access-Control-Allow-Headers" RQ),
	[CODE_METHOD] = ("Did not find method in CORS header "
	    LQ "Access-Control-Allow-Methods" RQ),
	[CODE_AUTHORIZATION] = ("header " LQ "%s" RQ " is not allowed "
	    "according to header " LQ "Access-Control-Allow-Headers" RQ
	    " from CORS preflight response"),
	[CODE_HEADER] = ("header " LQ "%s" RQ " is not allowed according to "
	    "header " LQ "Access-Control-Allow-Headers" RQ
	    " from CORS preflight response"),
		},
	},
	[BROWSER_WEBKIT] = {
		.name = "webkit", .title = "WebKit", .product = "Safari",
		.caches_star = true,
		.age_max = 600, .age_invalid = 5, .age_negative = 0,
	},
};

int
browser_parse(struct str word)
{
	for (int i = 0; i < BROWSER_COUNT; i++)
		if (str_eq(word, str_of(browser_engines[i].name)))
			return i;
	return -1;
}
