#include "config.h"

#include "core/host.h"

#include <stdint.h>

#include "base/parse.h"
#include "core/domain.h"

/* ---- names ------------------------------------------------------------- */

bool
host_byte_valid(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
	    c == '_';
}

/* A label is 1 to 63 of a-z 0-9 - _ with no '-' at an end. */
static bool
label_valid(struct str label)
{
	if (label.n == 0 || label.n > HOST_LABEL_MAX_BYTES ||
	    label.p[0] == '-' || label.p[label.n - 1] == '-')
		return false;
	for (size_t i = 0; i < label.n; i++)
		if (!host_byte_valid((unsigned char)label.p[i]))
			return false;
	return true;
}

bool
host_labels_valid(struct str host)
{
	size_t start = 0;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	if (host.n > HOST_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i <= host.n; i++)
		if (i == host.n || host.p[i] == '.') {
			if (!label_valid((struct str){host.p + start,
			        i - start}))
				return false;
			start = i + 1;
		}
	return true;
}

/* Takes the label up to the next dot from *rest; false at the end. */
static bool
label_next(struct str *rest, struct str *label)
{
	if (rest->p == NULL)
		return false;
	const char *dot = rest->n > 0 ? memchr(rest->p, '.', rest->n) : NULL;
	if (dot == NULL) {
		*label = *rest;
		*rest = (struct str){NULL, 0};
	} else {
		*label = (struct str){rest->p, (size_t)(dot - rest->p)};
		*rest = str_from(*rest, label->n + 1);
	}
	return true;
}

/* ---- IPv4 -------------------------------------------------------------- */

/* URL Standard, "IPv4 number parser": decimal, 0x hexadecimal, 0 octal.  The
 * value saturates above 32 bits. */
static bool
ipv4_number(struct str s, uint64_t *out)
{
	unsigned base = 10;
	uint64_t v = 0;

	if (s.n == 0)
		return false;
	if (s.n >= 2 && s.p[0] == '0' && (s.p[1] == 'x' || s.p[1] == 'X')) {
		base = 16;
		s = str_from(s, 2);
	} else if (s.n >= 2 && s.p[0] == '0') {
		base = 8;
		s = str_from(s, 1);
	}
	for (size_t i = 0; i < s.n; i++) {
		int digit = hex_digit((unsigned char)s.p[i]);
		if (digit < 0 || (unsigned)digit >= base)
			return false;
		v = v * base + (unsigned)digit;
		if (v > UINT32_MAX)
			v = (uint64_t)UINT32_MAX + 1;
	}
	*out = v;
	return true;
}

/* URL Standard, "ends in a number checker". */
static bool
ends_in_number(struct str host)
{
	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	size_t i = host.n;
	while (i > 0 && host.p[i - 1] != '.')
		i--;
	struct str last = str_from(host, i);
	uint64_t unused;
	bool digits = last.n > 0;
	for (size_t j = 0; j < last.n; j++)
		digits = digits && last.p[j] >= '0' && last.p[j] <= '9';
	return digits || (last.n >= 2 && last.p[0] == '0' &&
	    ascii_lower((unsigned char)last.p[1]) == 'x' &&
	    ipv4_number(last, &unused));
}

/* URL Standard, "IPv4 parser". */
static bool
ipv4_parse(struct str host, uint32_t *out)
{
	uint64_t part[4], address = 0;
	size_t n = 0;
	struct str label;

	if (host.n > 0 && host.p[host.n - 1] == '.')
		host.n--;
	while (label_next(&host, &label)) {
		if (n == 4 || !ipv4_number(label, &part[n]))
			return false;
		n++;
	}
	for (size_t i = 0; i + 1 < n; i++) {
		if (part[i] > 255)
			return false;
		address |= part[i] << (8 * (3 - i));
	}
	if (part[n - 1] >= UINT64_C(1) << (8 * (5 - n)))
		return false;
	*out = (uint32_t)(address | part[n - 1]);
	return true;
}

static void
ipv4_print(uint32_t address, struct buf *out)
{
	for (unsigned shift = 32; shift > 0; shift -= 8) {
		if (shift < 32)
			buf_char(out, '.');
		buf_uint(out, address >> (shift - 8) & 255);
	}
}

/* ---- IPv6 -------------------------------------------------------------- */

/* The dotted-quad tail of an IPv6 address, strictly as the URL Standard has
 * it: four decimal numbers without leading zeros. */
static bool
ipv6_quad(struct str s, uint16_t out[2])
{
	uint32_t address = 0;
	struct str label;
	size_t n = 0;

	for (; label_next(&s, &label); n++) {
		unsigned long v;
		if (n == 4 || label.n == 0 ||
		    (label.n > 1 && label.p[0] == '0') ||
		    digits_parse(label, &v) != label.n || v > 255)
			return false;
		address = address << 8 | (uint32_t)v;
	}
	out[0] = (uint16_t)(address >> 16);
	out[1] = (uint16_t)(address & 0xffff);
	return n == 4;
}

/* One side of "::", or the whole address: groups separated by ':'. */
static bool
ipv6_groups(struct str s, uint16_t *groups, size_t max, size_t *count)
{
	*count = 0;
	while (s.n > 0) {
		const char *colon = memchr(s.p, ':', s.n);
		size_t n = colon != NULL ? (size_t)(colon - s.p) : s.n;
		unsigned v = 0;

		if (colon == NULL && memchr(s.p, '.', n) != NULL) {
			if (*count + 2 > max || !ipv6_quad(s, groups + *count))
				return false;
			*count += 2;
			return true;
		}
		if (n == 0 || n > 4 || *count == max)
			return false;
		for (size_t i = 0; i < n; i++) {
			int digit = hex_digit((unsigned char)s.p[i]);
			if (digit < 0)
				return false;
			v = v << 4 | (unsigned)digit;
		}
		groups[(*count)++] = (uint16_t)v;
		if (colon == NULL)
			return true;
		s = str_from(s, n + 1);
		if (s.n == 0)
			return false;
	}
	return true;
}

/* s is what stands between the brackets. */
static bool
ipv6_parse(struct str s, uint16_t out[8])
{
	uint16_t tail[8];
	size_t nhead, ntail, split = s.n;

	for (size_t i = 0; i + 1 < s.n; i++)
		if (s.p[i] == ':' && s.p[i + 1] == ':') {
			split = i;
			break;
		}
	if (split == s.n)
		return s.n > 0 && ipv6_groups(s, out, 8, &nhead) && nhead == 8;
	if (!ipv6_groups((struct str){s.p, split}, out, 7, &nhead) ||
	    !ipv6_groups(str_from(s, split + 2), tail, 7, &ntail) ||
	    nhead + ntail > 7 ||
	    memchr(s.p, '.', split) != NULL)
		return false;
	memset(out + nhead, 0, (8 - nhead) * sizeof *out);
	memcpy(out + 8 - ntail, tail, ntail * sizeof *out);
	return true;
}

/* URL Standard, "IPv6 serializer": "::" for the first longest run of two or
 * more zero groups, no dotted quad. */
static void
ipv6_print(const uint16_t g[8], struct buf *out)
{
	size_t from = 8, length = 1;

	for (size_t i = 0; i < 8; i++) {
		size_t run = 0;
		while (i + run < 8 && g[i + run] == 0)
			run++;
		if (run > length) {
			from = i;
			length = run;
		}
	}
	buf_char(out, '[');
	for (size_t i = 0; i < 8; i++) {
		if (i == from) {
			buf_add(out, i == 0 ? STR("::") : STR(":"));
			i += length - 1;
			continue;
		}
		for (unsigned shift = 16; shift > 0; shift -= 4)
			if (shift == 4 || g[i] >> (shift - 4) != 0)
				buf_char(out, hex_char(g[i] >> (shift - 4)));
		if (i < 7)
			buf_char(out, ':');
	}
	buf_char(out, ']');
}

/* ---- both -------------------------------------------------------------- */

static bool
is_bracketed(struct str host)
{
	return host.n >= 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
}

bool
host_is_ipv6(struct str host)
{
	uint16_t groups[8];

	return is_bracketed(host) &&
	    ipv6_parse((struct str){host.p + 1, host.n - 2}, groups);
}

bool
host_canonical(struct str host, bool numeric, struct buf *out)
{
	size_t start = out->n;
	uint32_t v4;
	uint16_t v6[8];

	if (is_bracketed(host)) {
		if (!ipv6_parse((struct str){host.p + 1, host.n - 2}, v6))
			return false;
		ipv6_print(v6, out);
		return !out->full;
	}
	bool ascii = true;
	for (size_t i = 0; i < host.n; i++)
		ascii = ascii && (unsigned char)host.p[i] < 0x80;
	if (ascii)
		for (size_t i = 0; i < host.n; i++)
			buf_char(out,
			    (char)ascii_lower((unsigned char)host.p[i]));
	else if (!idn_to_ascii(host, out))
		return false;
	struct str name = str_from(buf_str(out), start);
	if (numeric && ends_in_number(name)) {
		if (!ipv4_parse(name, &v4))
			return false;
		out->n = start;
		ipv4_print(v4, out);
	}
	return !out->full;
}

/* Sets the first fault found, so that the order of the calls is the order of
 * importance. */
static void
fault(struct host_check *c, enum host_fault kind, size_t at)
{
	if (c->fault == HOST_OK) {
		c->fault = kind;
		c->at = at;
	}
}

static void
judge_bytes(struct str host, struct host_check *c)
{
	for (size_t i = 0; i < host.n; i++)
		if ((unsigned char)host.p[i] >= 0x80)
			fault(c, HOST_NON_ASCII, i);
	for (size_t i = 0; i < host.n; i++) {
		unsigned char ch = (unsigned char)host.p[i];
		if (ch == '*')
			fault(c, HOST_ASTERISK, i);
		else if (ch != '.' && !host_byte_valid(ascii_lower(ch)))
			fault(c, HOST_BAD_BYTE, i);
		if (ch == '_')
			c->underscore = true;
	}
	for (size_t i = 0; i < host.n; i++)
		if (host.p[i] >= 'A' && host.p[i] <= 'Z')
			fault(c, HOST_UPPER_CASE, i);
}

static void
judge_labels(struct str host, struct host_check *c)
{
	struct str rest = host, label;

	if (host.n > HOST_NAME_MAX_BYTES)
		fault(c, HOST_TOO_LONG, 0);
	while (label_next(&rest, &label)) {
		size_t at = (size_t)(label.p - host.p);
		if (label.n == 0)
			fault(c, HOST_EMPTY_LABEL, at);
		else if (label.n > HOST_LABEL_MAX_BYTES)
			fault(c, HOST_LONG_LABEL, at);
		else if (label.p[0] == '-' || label.p[label.n - 1] == '-')
			c->outer_hyphen = true;
		if (str_starts(label, STR("xn--")) && !idn_label_valid(label))
			fault(c, HOST_BAD_PUNYCODE, at);
	}
}

static bool
is_canonical(struct str host, bool numeric)
{
	char space[HOST_NAME_MAX_BYTES + 8];
	struct buf b = BUF(space);

	return host_canonical(host, numeric, &b) && str_eq(buf_str(&b), host);
}

void
host_judge(struct str host, bool numeric, struct host_check *out)
{
	*out = (struct host_check){.kind = HOST_NAME};
	if (host.n == 0) {
		fault(out, HOST_EMPTY, 0);
		return;
	}
	if (host.p[0] == '[' || host.p[host.n - 1] == ']') {
		out->kind = HOST_IPV6;
		if (!is_bracketed(host) || !is_canonical(host, numeric))
			fault(out, HOST_BAD_IPV6, 0);
		return;
	}
	judge_bytes(host, out);
	if (numeric && ends_in_number(host)) {
		out->kind = HOST_IPV4;
		if (!is_canonical(host, numeric))
			fault(out, HOST_BAD_IPV4, 0);
		return;
	}
	if (host.p[host.n - 1] == '.') {
		out->trailing_dot = true;
		host.n--;
	}
	judge_labels(host, out);
}

void
host_judge_below(struct str host, bool numeric, struct host_check *out)
{
	host_judge(host, numeric, out);
	if (out->fault == HOST_OK && out->kind == HOST_NAME &&
	    host.n - out->trailing_dot > HOST_NAME_MAX_BYTES - STR("x.").n)
		fault(out, HOST_TOO_LONG, 0);
}
