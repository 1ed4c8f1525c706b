/* escape.h - text of requests and files, printed so that no terminal, and no
 * reader of lines, takes it for anything else. */
#ifndef PREFLIGHTD_BASE_ESCAPE_H
#define PREFLIGHTD_BASE_ESCAPE_H

#include <stdio.h>

#include "base/str.h"

/* Prints text as buf_escaped has it, of any length. */
void escape_print(FILE *to, struct str text);

/* Prints text as it is, a path say, but for control characters: those of ASCII
 * and U+0080 to U+009F are escaped. */
void escape_controls(FILE *to, struct str text);

/* As escape_print, by way of a function that takes the pieces. */
void escape_each(FILE *to, struct str text,
    void (*put)(FILE *to, struct str piece));

#endif
