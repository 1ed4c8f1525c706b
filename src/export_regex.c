#include "config.h"

#include "export_regex.h"

#include "host.h"

/* ---- text -------------------------------------------------------------- */

static bool
is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
	    (c >= 'a' && c <= 'z');
}

static void
put_byte(FILE *to, unsigned char c)
{
	if (is_alnum(c) || (c != '\0' && strchr("_/:=@,~-", c) != NULL))
		putc(c, to);
	else if (c != '\0' && strchr(".+*?()[]|^", c) != NULL)
		fprintf(to, "\\%c", c);
	else
		fprintf(to, "\\x%02x", c);
}

static void
put_text(FILE *to, struct str text)
{
	for (size_t i = 0; i < text.n; i++)
		put_byte(to, (unsigned char)text.p[i]);
}

/* ---- hosts and origins ------------------------------------------------- */

void
regex_host(FILE *to, struct str host, bool subdomains)
{
	if (subdomains)
		fputs("([a-z0-9_-]{1,63}\\.)+", to);
	put_text(to, host);
}

/* n digits of any kind. */
static void
put_digits(FILE *to, int n)
{
	if (n > 0)
		fputs("[0-9]", to);
	if (n > 1)
		fprintf(to, "{%d}", n);
}

/* A digit from first on that is not `except`. */
static void
put_other_digit(FILE *to, char first, char except)
{
	putc('[', to);
	for (int c = (unsigned char)first; c <= '9'; c++)
		if (c != except)
			putc(c, to);
	putc(']', to);
}

/* A port, 1 to 65535 without leading zeros, or none; never `except`, which has
 * at most three digits and is 0 where nothing is excepted. */
static void
put_ports(FILE *to, int except)
{
	char digits[16];
	int length = except > 0 ?
	    snprintf(digits, sizeof digits, "%d", except) : 0;

	fputs("(:(", to);
	for (int n = 1; n <= 4; n++)
		if (n != length) {
			fputs("[1-9]", to);
			put_digits(to, n - 1);
			putc('|', to);
		}
	/* As many digits as the exception; digit i is the first to differ. */
	for (int i = 0; i < length; i++) {
		fprintf(to, "%.*s", i, digits);
		put_other_digit(to, i == 0 ? '1' : '0', digits[i]);
		put_digits(to, length - 1 - i);
		putc('|', to);
	}
	fputs("[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|"
	    "6553[0-5]))?", to);
}

void
regex_origin(FILE *to, const struct origin *o)
{
	if (o->kind != ORIGIN_PATTERN) {
		put_text(to, o->text);
		return;
	}
	put_text(to, o->scheme);
	fputs("://", to);
	if (o->subdomains)
		fputs("([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\\.)+", to);
	put_text(to, o->host);
	if (o->port == ORIGIN_PORT_ANY)
		put_ports(to, origin_default_port(o->scheme));
	else if (o->port != ORIGIN_PORT_DEFAULT)
		fprintf(to, ":%d", o->port);
}

bool
regex_origin_possible(const struct origin *o)
{
	return o->kind != ORIGIN_PATTERN || o->host_kind == HOST_IPV6 ||
	    host_labels_valid(o->host);
}

/* ---- paths ------------------------------------------------------------- */

/* What one byte of a path may be sent as. */
static void
put_path_byte(FILE *to, unsigned char c, enum path_form form)
{
	static const char hex[] = "0123456789abcdef0123456789ABCDEF";

	if (form == PATH_DECODED) {
		put_byte(to, c);
		return;
	}
	putc('(', to);
	if (c > ' ' && c < 0x7f) {
		put_byte(to, c);
		putc('|', to);
	}
	fprintf(to, "%%%c", hex[c >> 4]);
	if ((c & 15) < 10)
		fprintf(to, "%c)", hex[c & 15]);
	else
		fprintf(to, "[%c%c])", hex[c & 15], hex[(c & 15) + 16]);
}

/* The parameters of a segment, which some readers cut off. */
static void
put_parameters(FILE *to, enum path_form form)
{
	fputs(form == PATH_RAW ? "(;|%3[bB])[^/?]*" : ";[^/]*", to);
}

/* The '/' before a segment.  To those who cut parameters off a segment of
 * parameters alone is none. */
static void
put_slash(FILE *to, enum path_form form, enum path_reading reading)
{
	if (reading == PATH_PLAIN) {
		fputs("(/+", to);
		put_parameters(to, form);
		fputs(")*", to);
	}
	fputs("/+", to);
}

void
regex_path(FILE *to, struct str path, enum path_form form,
    enum path_reading reading)
{
	size_t i = 0;

	if (path.n <= 1) {
		putc('/', to);
		return;
	}
	while (i < path.n) {
		put_slash(to, form, reading);
		for (i++; i < path.n && path.p[i] != '/'; i++)
			put_path_byte(to, (unsigned char)path.p[i], form);
		if (reading == PATH_PLAIN) {
			putc('(', to);
			put_parameters(to, form);
			fputs(")?", to);
		}
	}
	fputs(form == PATH_RAW ? "([/?]|$)" : "(/|$)", to);
}

#define DOTS "(\\.|%2[eE]){1,2}"
#define SEMICOLON "(;|%3[bB])"
#define HEX "[0-9a-fA-F]"
#define NO_HEX "[^0-9a-fA-F]"

/* An encoded '/', '\' or control byte; an invalid escape; an overlong UTF-8
 * sequence of escapes. */
#define ODD_ESCAPES                                                            \
	"^[^?]*%(2[fF]|5[cC]|[01]" HEX "|7[fF])",                              \
	"^[^?]*%(" NO_HEX "|" HEX NO_HEX "|" HEX "?$)",                        \
	"^[^?]*%([cC][01]|[eE]0%[89]" HEX "|[fF]0%8" HEX ")"

static const char *const odd_decoded[] = {
	ODD_ESCAPES,
	"^[^?]*[\\x00-\\x1f\\x7f\\x5c\\x23]",
	"^[^?]*[\\xc0\\xc1]",
	"^[^?]*(%[eE]0|\\xe0)(%[89]" HEX "|[\\x80-\\x9f])",
	"^[^?]*(%[fF]0|\\xf0)(%8" HEX "|[\\x80-\\x8f])",
	"^[^?]*/" DOTS SEMICOLON,
	/* A dot segment in a path that also has "//". */
	"^[^?]*/" DOTS "(//|/[^?]*//)",
	"^[^?]*//([^?]*/)?" DOTS "([/?]|$)",
	NULL
};

static const char *const odd_raw[] = {
	ODD_ESCAPES,
	"^[^?]*[^!-\\x5b\\x5d-~]",
	"^[^?]*\\x23",
	"^[^?]*/" DOTS "([/?;]|%3[bB]|$)",
	NULL
};

const char *const *
regex_odd(enum path_form form)
{
	return form == PATH_RAW ? odd_raw : odd_decoded;
}
