/* policy.h - the compiled policies of one file: immutable, freed whole, and
 * the choice of the one that serves a request. */
#ifndef PREFLIGHTD_CORE_POLICY_H
#define PREFLIGHTD_CORE_POLICY_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"
#include "core/field.h"
#include "core/origin_set.h"
#include "core/request.h"

enum {
	POLICY_NAME_MAX = 40,
	SUCCESS_STATUS_DEFAULT = 204,
	REFUSE_STATUS_DEFAULT = 403,
	MAX_AGE_UNSET = -1,
	MAX_AGE_MAX = 86400, /* what Firefox keeps, the longest of all */
	ECHO_MAX = 4096,     /* bytes of request names in one answer */
};

/* A host or a path that a policy claims. */
struct claim {
	struct str text; /* as compared: "*", "*.example.com", "/v1" */
	struct place at;
};

/* The keys of a policy that have a place of their own; a key that is set
 * nowhere has the place of its policy. */
enum policy_key {
	KEY_HOST, KEY_PATH, KEY_ALLOW_ORIGINS, KEY_ALLOW_METHODS,
	KEY_ALLOW_HEADERS, KEY_ALLOW_CREDENTIALS, KEY_EXPOSE_HEADERS,
	KEY_MAX_AGE, KEY_SUCCESS_STATUS, KEY_REFUSE_STATUS,
	KEY_INSECURE_ORIGINS, KEY_PUBLIC_SUFFIXES, KEY_DEBUG, KEY_COUNT
};

/* What one [policy NAME] says, defaults filled in.  The policy reader fills it;
 * policy_set_add copies what it needs, but keeps origins. */
struct policy {
	struct str name;
	size_t index;           /* in its set, in file order; set by add */
	struct place at[KEY_COUNT];
	struct place section;   /* its [policy NAME] line */
	bool set[KEY_COUNT];    /* set here or in [defaults] */
	const struct claim *hosts, *paths;
	size_t nhosts, npaths;
	const struct origin_set *origins;
	struct field_set methods, headers, expose;
	bool credentials, debug;
	bool insecure_allowed, suffixes_allowed;
	int max_age;            /* seconds, or MAX_AGE_UNSET */
	int success_status, refuse_status;

	/* Rendered by policy_set_seal for response.c; none of it for
	 * readers. */
	struct str grant;       /* "Status: ...Access-Control-Allow-Origin: " */
	struct str grant_tail;  /* what follows the origin, from its "\r\n" */
	struct str refuse_line; /* "Status: 403 Forbidden\r\n" */
	struct str plain_allow; /* the Allow field for other OPTIONS */
	struct str actual_tail; /* what follows Allow-Origin, section 4 */
};

struct policy_set;

struct policy_set *policy_set_new(void); /* NULL without memory */
void policy_set_free(struct policy_set *s);

/* The arena that everything of the set lives in; for its builder. */
struct arena *policy_set_arena(struct policy_set *s);

/* Gives the set an origin set to own: freed with it. Returns 0, or -1 without
 * memory (then it was freed). */
int policy_set_own(struct policy_set *s, struct origin_set *origins);

/* Names the file of a number in struct place.  Returns 0 or -1. */
int policy_set_file(struct policy_set *s, unsigned file, const char *name);
const char *policy_set_file_name(const struct policy_set *s, unsigned file);

/* Status and debug of [defaults], for requests that no policy serves. */
void policy_set_defaults(struct policy_set *s, int refuse_status, bool debug);

/* Where [defaults] sets these; line 0 where it does not. */
void policy_set_defaults_at(struct policy_set *s, struct place refuse_status,
    struct place debug);
struct place policy_set_default_place(const struct policy_set *s,
    enum policy_key key);

/* Adds a policy; everything p points at must be in the set's arena or owned.
 * Returns 0, or -1 without memory. */
int policy_set_add(struct policy_set *s, const struct policy *p);

/* Builds the indexes and renders the answers; call once, after the last add.
 * Two policies that claim the same host and path are reported to d (may be
 * NULL).  Returns 0, or -1 without memory; conflicts are no failure here. */
int policy_set_seal(struct policy_set *s, struct diag *d);

size_t policy_set_count(const struct policy_set *s);
const struct policy *policy_set_get(const struct policy_set *s, size_t i);
/* The same in order of the names, which does not depend on the file. */
const struct policy *policy_set_sorted(const struct policy_set *s, size_t i);

const struct policy *policy_set_named(const struct policy_set *s,
    struct str name);
int policy_set_refuse_status(const struct policy_set *s);
bool policy_set_debug(const struct policy_set *s);

/* SHA-256 over the policies as understood, whatever their order and spelling
 * in the file, as 64 hexadecimal digits. */
const char *policy_set_digest(const struct policy_set *s);

/* The policy that serves a host and a path, both written as in a policy file:
 * "*.example.com" stands for its subdomains that no policy names.  NULL where
 * none does. */
const struct policy *policy_set_serving(const struct policy_set *s,
    struct str host, struct str path);

enum choice { CHOICE_POLICY, CHOICE_NONE, CHOICE_MALFORMED_HOST };

/* Chooses the policy for a request: by CORS_POLICY, else by host and path. */
enum choice policy_set_choose(const struct policy_set *s,
    const struct request *r, const struct policy **out);

/* ---- one order and spelling -------------------------------------------- */

/* What the digest, the formatted file and comparisons go by. */

/* Names of one of the three lists, sorted, without those that the '*' beside
 * them stands for anyhow; header names are in lower case. */
struct meaning_names {
	const struct field_item *items; /* folded is NULL */
	size_t count;
	bool any;
	struct place any_at;
};

/* Fills *out from the list of key: KEY_ALLOW_METHODS, KEY_ALLOW_HEADERS or
 * KEY_EXPOSE_HEADERS.  It lives in a.  Returns 0, or -1 without memory. */
int meaning_names(const struct policy *p, enum policy_key key,
    struct arena *a, struct meaning_names *out);

/* The claims sorted by text, in a; NULL without memory. */
const struct claim *meaning_claims(const struct claim *claims, size_t count,
    struct arena *a);

/* The entries sorted by text, without those that others cover.  They are in a,
 * their texts in the set.  Returns NULL without memory. */
const struct origin_entry *meaning_origins(const struct origin_set *s,
    struct arena *a, size_t *count);

#endif
