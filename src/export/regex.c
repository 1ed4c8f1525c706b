#include "config.h"

#include "export/regex.h"

#include "core/host.h"

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

#define LABEL "[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?"

/* An IPv6 address, without an IPv4 one in it: browsers write none. */
#define H "[0-9a-f]{1,4}"
#define ADDRESS                                                                \
	"\\[((" H ":){7}" H "|(" H ":){1,7}:|(" H ":){1,6}:" H                 \
	"|(" H ":){1,5}(:" H "){1,2}|(" H ":){1,4}(:" H "){1,3}"               \
	"|(" H ":){1,3}(:" H "){1,4}|(" H ":){1,2}(:" H "){1,5}"               \
	"|" H ":(:" H "){1,6}|:((:" H "){1,7}|:))\\]"

void
regex_host(FILE *to, struct str host, bool subdomains, enum host_form form)
{
	const char *dot = form == HOST_BARE ? "" : "\\.?";

	/* A name of more bytes than one has. */
	if ((host.n == 0 || subdomains) && form == HOST_BARE)
		fputs("(?![^ ]{254})", to);
	else if ((host.n == 0 || subdomains) && form == HOST_FIELD)
		fputs("(?![^:]{253}([^.:]|[.][^:]))", to);
	if (host.n == 0)
		fprintf(to, "(" LABEL "(\\." LABEL ")*%s|" ADDRESS ")", dot);
	else if (subdomains)
		fputs("(" LABEL "\\.)+", to);
	put_text(to, host);
	if (host.n > 0 && host.p[0] != '[')
		fputs(dot, to);
	if (form != HOST_BARE)
		fputs("(:[0-9]{0,5})?", to);
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

#define HEX "[0-9a-fA-F]"
#define DOTS "(?:\\.|%2[eE]){1,2}"
/* A hexadecimal digit, or an escape of one. */
#define SECOND "(?:" HEX "|%(3[0-9]|[46][1-6]))"
#define SLASHES "2[fF]|5[cC]"
#define DOTS_END "(?:[/\\x5c;?]|%(?:" SLASHES "|3[bB])|$)"

/* Runs of plain text, separators with the text behind them, runs of escapes:
 * the fewer turns of the outer group, the quicker. */
#define PLAIN "[!\\x22\\x24&-.0->@-\\x5b\\x5d-~]"
#define NO_DOTS "(?!" DOTS DOTS_END ")"
const char regex_clean_path[] = "^(?=/)(?:" PLAIN "++"
    "|[/\\x5c]++" NO_DOTS PLAIN "*+"
    "|(?:%(?:[34689a-fA-F]" HEX "|2[0-46-9a-eA-E]|5[0-9abd-fABD-F]"
    "|7[0-9a-eA-E]|25(?!" SECOND "{2})|(?:" SLASHES ")" NO_DOTS "))++"
    ")*+(?:\\?|$)";

const char regex_odd_path[] = "^[^?]*("
    "[^!-~]|\\x23|%([01]|7[fF]|" HEX "?([^0-9a-fA-F]|$)|25" SECOND "{2})"
    "|([/\\x5c]|%(" SLASHES "))" DOTS DOTS_END ")";

/* What one byte of a path may be sent as: those beyond ASCII are escapes. */
static void
put_path_byte(FILE *to, unsigned char c)
{
	char digits[] = {hex_char(c >> 4), hex_char(c)};

	if (c < 0x7f) {
		putc('(', to);
		put_byte(to, c);
		putc('|', to);
	}
	putc('%', to);
	for (size_t i = 0; i < 2; i++)
		if (digits[i] <= '9')
			putc(digits[i], to);
		else
			fprintf(to, "[%c%c]", digits[i],
			    digits[i] - 'a' + 'A');
	if (c < 0x7f)
		putc(')', to);
}

/* Writes the segment that begins at *i, the '/' in front, and moves *i behind
 * it. */
static void
put_segment(FILE *to, struct str path, size_t *i)
{
	putc('/', to);
	for (++*i; *i < path.n && path.p[*i] != '/'; ++*i)
		put_path_byte(to, (unsigned char)path.p[*i]);
}

void
regex_path(FILE *to, struct str path)
{
	size_t i = 0;

	if (path.n <= 1) {
		putc('/', to);
		return;
	}
	while (i < path.n)
		put_segment(to, path, &i);
	fputs("([/?]|$)", to);
}

#define AMBIGUOUS "([;\\x5c]|%(" SLASHES "|3[bB]))"

void
regex_ambiguous_path(FILE *to, struct str path)
{
	size_t i = 0, groups = 0;

	/* Behind a whole segment, or behind the '/' that follows it. */
	while (i < path.n) {
		fputs(i == 0 ? "(/" AMBIGUOUS "|//|" : "(/?" AMBIGUOUS "|//|",
		    to);
		groups++;
		put_segment(to, path, &i);
	}
	fputs(AMBIGUOUS, to);
	while (groups-- > 0)
		putc(')', to);
}
