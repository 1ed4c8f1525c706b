/* field.h - methods and field names: tokens, lists of them, sets. */
#ifndef PREFLIGHTD_CORE_FIELD_H
#define PREFLIGHTD_CORE_FIELD_H

#include "base/arena.h"
#include "base/diag.h"
#include "base/str.h"

/* RFC 9110, 5.6.2: one or more tchar. */
bool token_valid(struct str s);

/* Takes the next element from the list *rest (RFC 9110, 5.6.1.2, as a
 * recipient: white space is SP and HTAB, empty elements are passed over).
 * Returns false at the end.  An element is whatever stands between commas; it
 * need not be a token. */
bool list_next(struct str *rest, struct str *element);

/* Checks an element of allow-methods, allow-headers or expose-headers that is
 * not '*'.  Return 0, or -1 with an error in d; warnings may be added too. */
int method_check(struct str name, struct diag *d, struct place at);
int request_header_check(struct str name, struct diag *d, struct place at);
int response_header_check(struct str name, struct diag *d, struct place at);

/* GET, HEAD, POST (Fetch, CORS-safelisted method), exactly so written. */
bool method_is_safelisted(struct str name);

/* CONNECT, TRACE, TRACK in any case: browsers refuse to send them. */
bool method_is_forbidden(struct str name);

/* The method as browsers send it (Fetch, "normalize a method"): six names in
 * upper case, any other as it is.  The result is name or static. */
struct str method_normalize(struct str name);

/* Fetch, "forbidden request-header", as far as the name alone decides and
 * without those of CORS itself. */
bool request_header_is_forbidden(struct str name);

/* How a set compares names. */
enum field_case { FIELD_EXACT, FIELD_FOLD };

struct field_item {
	struct str name;
	struct place at;
	const char *folded; /* as the set compares it; by field_set_init */
};

/* An immutable set in the order of the policy file, with '*' apart. */
struct field_set {
	const struct field_item *items; /* without '*' and without duplicates */
	size_t count;
	bool any;                       /* '*' was listed */
	struct place any_at;
	enum field_case fold;
	const struct field_item *const *sorted; /* by length and name */
};

/* Builds a set from items ('*' may be among them) in the arena; names are
 * copied, duplicates after the first left out.  Returns 0, or -1 without
 * memory. */
int field_set_init(struct field_set *s, enum field_case fold,
    const struct field_item *items, size_t count, struct arena *a);

/* The item of that name, or NULL; '*' is no item. */
const struct field_item *field_set_find(const struct field_set *s,
    struct str name);

/* Goes through a list of field names for a set that folds case.  Returns false
 * at an element that is no token, with it in *refused.  Else *refused, if it is
 * empty, becomes the first name that the set does not cover: one that is
 * neither listed nor covered by '*', or for which, with two bytes more, *room
 * is too small; each name takes that much of it. */
bool field_set_admits(const struct field_set *s, struct str list,
    size_t *room, struct str *refused);

#endif
