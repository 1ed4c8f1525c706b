/* escape.h - text of requests and files, written so that no terminal, no page
 * and no reader of lines or JSON takes it for anything else. */
#ifndef PREFLIGHTD_BASE_ESCAPE_H
#define PREFLIGHTD_BASE_ESCAPE_H

#include <jansson.h>
#include <stdio.h>

#include "base/str.h"

/* Prints text as buf_escaped has it, of any length. */
void escape_print(FILE *to, struct str text);

/* Prints text as it is, a path say, but for control characters: those of ASCII
 * and U+0080 to U+009F are escaped. */
void escape_controls(FILE *to, struct str text);

/* Writes text escaped as escape_print does, and with references for "<>&'": fit
 * for elements and for quoted attributes. */
void markup_html(FILE *to, struct str text);

/* The same for text that the program wrote itself, in which a '\' is
 * one. */
void markup_own(FILE *to, const char *text);

/* A string; text that is not UTF-8 is escaped.  NULL without memory. */
json_t *json_text(struct str s);

/* Prints a value as json_dumpf does, with every control character escaped: what
 * requests and files hold must not reach a terminal.  Returns 0, or -1. */
int json_print(const json_t *value, FILE *to, size_t flags);

/* Appends item, which it takes, to the array.  Returns false without memory, or
 * if either is NULL for lack of it: then *array is freed and NULL. */
bool json_add(json_t **array, json_t *item);

#endif
