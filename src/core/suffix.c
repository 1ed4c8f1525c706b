#include "config.h"

#include "core/suffix.h"

#include <libpsl.h>

#include "base/buf.h"

/* A label that no rule of the list names: below a rule "*.ck" it is a public
 * suffix, though "ck" itself is none. */
#define ANY_LABEL "preflightd-any-name"

static bool
listed(const psl_ctx_t *list, struct str prefix, struct str domain)
{
	char name[512];
	struct buf b = BUF(name);

	buf_add(&b, prefix);
	buf_add(&b, domain);
	buf_char(&b, '\0');
	return !b.full && psl_is_public_suffix2(list, name,
	    PSL_TYPE_ANY | PSL_TYPE_NO_STAR_RULE) != 0;
}

bool
suffix_is_public(struct str domain)
{
	const psl_ctx_t *list = psl_builtin();
	psl_ctx_t *latest = NULL;
	bool public;

	/* With a trailing dot it is the same name. */
	if (str_ends(domain, STR(".")))
		domain.n--;
	/* A libpsl that was built without a list has the system's. */
	if (list == NULL)
		list = latest = psl_latest(NULL);
	public = list != NULL && (listed(list, STR(""), domain) ||
	    listed(list, STR(ANY_LABEL "."), domain));
	psl_free(latest);
	return public;
}
