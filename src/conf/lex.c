#include "config.h"

#include "conf/lex.h"

#include <stdio.h>

struct str
conf_strip(struct str text, const char *marks)
{
	for (; *marks != '\0'; marks++) {
		const char *p = text.p, *end = text.p + text.n;

		while ((p = memchr(p, *marks, (size_t)(end - p))) != NULL &&
		    p > text.p && !is_blank(p[-1]))
			p++;
		if (p != NULL)
			text.n = (size_t)(p - text.p);
	}
	return str_trim(text);
}

bool
conf_list_next(struct str *rest, struct str *element)
{
	struct str s = *rest;
	size_t n = 0;

	while (s.n > 0 && (is_blank(s.p[0]) || s.p[0] == ','))
		s = str_from(s, 1);
	while (n < s.n && !is_blank(s.p[n]) && s.p[n] != ',')
		n++;
	*element = (struct str){s.p, n};
	*rest = str_from(s, n);
	return n > 0;
}

struct place
conf_place(struct place line, struct str raw, const char *p)
{
	line.col = (unsigned)(p - raw.p) + 1;
	return line;
}

bool
conf_bad_byte(struct str line, struct str value, struct diag *d,
    struct place at)
{
	const char *nul = memchr(line.p, '\0', line.n);
	const char *cr = memchr(line.p, '\r', line.n);
	char hex[8];

	if (nul != NULL) {
		diag_add(d, DIAG_ERROR, conf_place(at, line, nul), "line-nul",
		    "write the file as UTF-8 text", "a NUL byte");
		return true;
	}
	if (cr != NULL) {
		diag_add(d, DIAG_ERROR, conf_place(at, line, cr),
		    "line-control-byte", "end lines with LF or CR LF",
		    "a carriage return within a line");
		return true;
	}
	for (size_t i = 0; i < value.n; i++) {
		unsigned char c = (unsigned char)value.p[i];

		if (!is_control(c) || c == '\t')
			continue;
		(void)snprintf(hex, sizeof(hex), "\\x%02x", c);
		diag_add(d, DIAG_ERROR, conf_place(at, line, value.p + i),
		    "line-control-byte", "take it out",
		    "a control byte '%s'", hex);
		return true;
	}
	return false;
}
