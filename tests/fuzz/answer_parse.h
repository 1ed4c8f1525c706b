/* answer_parse.h - an answer read strictly: what is not of the grammar that
 * answers have ends the program. */
#ifndef PREFLIGHTD_ANSWER_PARSE_H
#define PREFLIGHTD_ANSWER_PARSE_H

#include "base/str.h"

enum { ANSWER_FIELDS_MAX = 16 };

struct answer_field {
	struct str name, value;
};

struct answer {
	int status;
	struct answer_field fields[ANSWER_FIELDS_MAX]; /* each once */
	size_t n;
	struct str body;
};

/* Takes a CGI response apart.  prefix is "" or "Variable-", which every field
 * must have, and which is taken off. */
void answer_parse(struct str text, struct str prefix, struct answer *out);

/* The value of a field; p is NULL without it. */
struct str answer_field(const struct answer *a, const char *name);

#endif
