/* print.h - an explanation for people and for programs. */
#ifndef PREFLIGHTD_EXPLAIN_PRINT_H
#define PREFLIGHTD_EXPLAIN_PRINT_H

#include <stdio.h>

#include "explain/explain.h"

/* Prints the sections, with colour if asked for. */
void explain_print_text(const struct explanation *e, bool colour, FILE *to);

/* Prints one JSON object.  Returns 0, or -1 without memory. */
int explain_print_json(const struct explanation *e, FILE *to);

/* The words that a browser's console has for what it blocked; none where this
 * browser does not block it. */
enum console { CONSOLE_CHROME, CONSOLE_FIREFOX };
void console_words(const struct explanation *e, enum console which,
    struct buf *out);

/* Whether today's browsers block it; if not, the console says nothing. */
bool console_has_words(const struct explanation *e);

#endif
