/* lex.h - the bytes of a line of a policy file, or of a file that it
 * names: comments, lists, what may stand nowhere. */
#ifndef PREFLIGHTD_CONF_LEX_H
#define PREFLIGHTD_CONF_LEX_H

#include "base/diag.h"
#include "base/str.h"

/* The place of the byte p of a line; line names its file and number,
 * raw is its text. */
struct place conf_place(struct place line, struct str raw, const char *p);

/* Takes the next element, of those that commas and white space separate, off
 * the front of *rest.  Returns false at the end. */
bool conf_list_next(struct str *rest, struct str *element);

/* text without the comment that starts at its begin or after white space with
 * one of marks, and without white space at both ends. */
struct str conf_strip(struct str text, const char *marks);

/* Reports a byte that may stand nowhere in the value.  Returns whether there
 * is one. */
bool conf_bad_byte(struct str line, struct str value, struct diag *d,
    struct place at);

#endif
