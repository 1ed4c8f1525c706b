/* json_text.h - what the commands' JSON output adds to jansson. */
#ifndef PREFLIGHTD_BASE_JSON_TEXT_H
#define PREFLIGHTD_BASE_JSON_TEXT_H

#include <jansson.h>
#include <stdio.h>

#include "base/str.h"

/* A string; text that is no UTF-8 is escaped.  NULL without memory. */
json_t *json_text(struct str s);

/* Prints a value as json_dumpf does, with every control character escaped: what
 * requests and files hold must not reach a terminal.  Returns 0, or -1. */
int json_print(const json_t *value, FILE *to, size_t flags);

/* Appends item, which it takes, to the array.  Returns false without memory, or
 * where either is NULL for the want of it: then *array is freed and NULL. */
bool json_add(json_t **array, json_t *item);

#endif
