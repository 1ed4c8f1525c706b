/* browser.h - the browser's side of CORS by the Fetch standard: what script can
 * set, whether there is a preflight and which, and what becomes of the answer.
 * It is pure: a request and an answer go in, a verdict comes out. */
#ifndef PREFLIGHTD_BROWSER_BROWSER_H
#define PREFLIGHTD_BROWSER_BROWSER_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/str.h"
#include "browser/headers.h"

/* The standard, and the engines that depart from it. */
enum browser_profile {
	BROWSER_SPEC,
	BROWSER_CHROMIUM,
	BROWSER_FIREFOX,
	BROWSER_WEBKIT,
	BROWSER_COUNT
};

/* The profile of a name, or -1. */
int browser_parse(struct str word);

/* What forces a preflight beside method and headers. */
enum browser_flag { FLAG_NONE, FLAG_UPLOAD_LISTENER, FLAG_STREAM };

/* A request as script makes it with fetch() or XMLHttpRequest. */
struct browser_request {
	struct str origin;      /* of the page, serialized, or "null" */
	struct str url_origin;  /* of the URL, serialized */
	struct str method;      /* as method_normalize left it */
	struct headers headers; /* those that browser_header_dropped keeps */
	bool credentials;       /* credentials mode is include */
	enum browser_flag flag;
};

/* Whether a browser silently drops a header that script sets (Fetch, forbidden
 * request-header). */
bool browser_header_dropped(enum browser_profile profile,
    const struct header *h);

/* Why a request is preflighted. */
enum trigger_kind {
	TRIGGER_METHOD, /* the method */
	TRIGGER_HEADER, /* a header that is never safelisted */
	TRIGGER_VALUE,  /* the value of one that would be */
	TRIGGER_FLAG,   /* an upload listener or a stream */
};
const char *trigger_kind_name(enum trigger_kind kind);

enum trigger_why {
	WHY_SAFE, /* none */
	WHY_METHOD, WHY_NAME, WHY_LONG, WHY_BYTE, WHY_LANGUAGE_BYTE,
	WHY_NO_MIME, WHY_ESSENCE, WHY_NO_RANGE, WHY_RANGE_SUFFIX, WHY_SUM,
	WHY_UPLOAD_LISTENER, WHY_STREAM,
};

struct trigger {
	enum trigger_kind kind;
	enum trigger_why why;
	struct str name;  /* method, header in lower case, or flag */
	struct str value; /* of a header */
};

/* Why a header is no CORS-safelisted request-header, or WHY_SAFE. */
enum trigger_why browser_header_why(enum browser_profile profile,
    const struct header *h);

/* Adds why in words; text of the request is escaped. */
void trigger_explain(const struct trigger *t, struct buf *out);

/* What the browser does with a request before any answer. */
struct browser_plan {
	bool cors;      /* the page is of another origin */
	bool preflight;
	const struct trigger *triggers; /* each method, header and flag once */
	size_t ntriggers;
	const struct str *names; /* CORS-unsafe: lower case, sorted, unique */
	size_t nnames;
	struct str joined;       /* Access-Control-Request-Headers */
};

/* Fills *out; its memory is the arena's.  Returns 0, or -1 without memory. */
int browser_plan(enum browser_profile profile, const struct browser_request *r,
    struct arena *a, struct browser_plan *out);

struct browser_answer {
	int status;
	struct headers headers; /* values without white space at both ends */
};

/* ---- judging ----------------------------------------------------------- */

/* In the order in which the standard comes to them. */
enum browser_code {
	CODE_METHOD_FORBIDDEN,
	CODE_ACAO_MISSING,
	CODE_ACAO_STAR_CREDENTIALS,
	CODE_ACAO_MULTIPLE,
	CODE_ACAO_INVALID,
	CODE_ACAO_MISMATCH,
	CODE_ACAC_MISSING,
	CODE_ACAC_INVALID,
	CODE_STATUS,
	CODE_REDIRECT,
	CODE_ACAM_SYNTAX,
	CODE_ACAH_SYNTAX,
	CODE_METHOD,
	CODE_AUTHORIZATION,
	CODE_HEADER,
	CODE_COUNT
};
const char *browser_code_name(enum browser_code code);

/* The step at which the standard comes to it: "9.n" of the CORS check, "10.n"
 * of the preflight's answer, "3.1" of making the request. */
const char *browser_code_step(enum browser_code code);

struct browser_failure {
	enum browser_code code;
	struct str subject; /* the value, list element, method or header */
	int status;
};

struct browser_failures {
	struct browser_failure *items;
	size_t count;
};

/* Adds what is wrong in words; text of request and answer is escaped. */
void browser_failure_explain(const struct browser_failure *f,
    const struct browser_request *r, struct buf *out);

/* Judge the answer to the preflight, and the actual response: all that fails,
 * in the standard's order.  *out lives in the arena and is filled anew.
 * Return 0, or -1 without memory. */
int browser_judge_preflight(enum browser_profile profile,
    const struct browser_request *r, const struct browser_plan *plan,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out);
int browser_judge_actual(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_failures *out);

/* The response headers that script may read. */
struct browser_readable {
	const struct str *names;
	size_t count;
	bool all; /* and every other but Set-Cookie */
};

/* Returns 0, or -1 without memory. */
int browser_exposed(const struct browser_request *r,
    const struct browser_answer *answer, struct arena *a,
    struct browser_readable *out);

bool browser_can_read(const struct browser_readable *readable,
    struct str name);

/* ---- the engines ------------------------------------------------------- */

/* What an engine does otherwise than the standard, and what its console says of
 * a request that it blocks: see engines.c. */
struct browser_engine {
	const char *name;        /* "chromium" */
	const char *title;       /* "Chromium"; NULL: of the standard */
	const char *product;     /* "Chrome" */
	bool authorization_rule; /* '*' does not cover Authorization */
	bool drops_user_agent;   /* that script sets */
	bool safelists_hints;    /* client hints need no permission */
	bool caches_star;        /* a '*' in the cache is a wildcard */
	bool caches_head;        /* HEAD must be in the cache */
	/* Seconds: at most, for what is no number, for one below 0. */
	unsigned long age_max, age_invalid, age_negative;
	const char *refused, *refused_xhr, *blocked; /* NULL: not known */
	const char *reasons[CODE_COUNT];
};
extern const struct browser_engine browser_engines[BROWSER_COUNT];

/* ---- the preflight cache ----------------------------------------------- */

/* The seconds that a browser keeps the answer; 0: it keeps nothing.  The
 * standard itself has no upper limit. */
unsigned long browser_max_age(enum browser_profile profile,
    const struct browser_answer *answer);

/* Whether a later request to the same URL, from the same page's origin, finds
 * its permission in what was kept of the answer to the earlier one, as long as
 * that is kept.  The answer has passed browser_judge_preflight. */
bool browser_cache_covers(enum browser_profile profile,
    const struct browser_request *earlier, const struct browser_answer *answer,
    const struct browser_request *later, const struct browser_plan *plan);

#endif
