#include "config.h"

#include "core/domain.h"

#include <idn2.h>
#include <libpsl.h>

/* ---- internationalized names ------------------------------------------- */

/* More than any host that has an ASCII form of 253 bytes. */
enum { HOST_BYTES_MAX = 1024 };

/* Copies s, terminated, into a buffer of HOST_BYTES_MAX; false where it is too
 * long or has a NUL within. */
static bool
terminate(struct str s, char *out)
{
	if (s.n == 0 || s.n >= HOST_BYTES_MAX || memchr(s.p, '\0', s.n) != NULL)
		return false;
	memcpy(out, s.p, s.n);
	out[s.n] = '\0';
	return true;
}

bool
idn_to_ascii(struct str host, struct buf *out)
{
	char text[HOST_BYTES_MAX];
	struct buf was = *out;
	char *ascii = NULL;

	if (!terminate(host, text))
		return false;
	if (idn2_to_ascii_8z(text, &ascii, IDN2_NONTRANSITIONAL) != IDN2_OK)
		return false;
	for (const char *p = ascii; *p != '\0'; p++)
		buf_char(out, (char)ascii_lower((unsigned char)*p));
	idn2_free(ascii);
	if (out->full) {
		*out = was;
		return false;
	}
	return true;
}

bool
idn_label_valid(struct str label)
{
	char text[HOST_BYTES_MAX], back[HOST_BYTES_MAX];
	struct buf b = BUF(back);
	char *unicode = NULL;
	bool valid;

	if (!terminate(label, text))
		return false;
	if (idn2_to_unicode_8z8z(text, &unicode, IDN2_NONTRANSITIONAL) !=
	    IDN2_OK)
		return false;
	valid = idn_to_ascii(str_of(unicode), &b) && str_eq(buf_str(&b), label);
	idn2_free(unicode);
	return valid;
}

/* ---- public suffixes --------------------------------------------------- */

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
