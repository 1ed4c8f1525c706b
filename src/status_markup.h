/* status_markup.h - text of requests and files on the status page: whatever it
 * holds, it is shown, and never markup, a control character or half a line. */
#ifndef PREFLIGHTD_STATUS_MARKUP_H
#define PREFLIGHTD_STATUS_MARKUP_H

#include <stdio.h>

#include "str.h"

/* Writes text with control bytes, 8-bit bytes, '"' and '\' as \xHH. */
void markup_plain(FILE *f, struct str text);

/* The same for HTML, where "<>&'" become references too: fit for elements and
 * for quoted attributes. */
void markup_html(FILE *f, struct str text);

/* For HTML too, but of text that the program wrote itself, in which a '\' is
 * one. */
void markup_own(FILE *f, const char *text);

#endif
