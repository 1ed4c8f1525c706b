#include "config.h"

#include "core/idn.h"

#include <idn2.h>

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
