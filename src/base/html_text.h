/* html_text.h - text of requests and files in HTML: whatever it holds, it
 * is shown, and never markup or a control character. */
#ifndef PREFLIGHTD_BASE_HTML_TEXT_H
#define PREFLIGHTD_BASE_HTML_TEXT_H

#include <stdio.h>

#include "base/str.h"

/* Writes text escaped as escape_print does, and with references for "<>&'": fit
 * for elements and for quoted attributes. */
void markup_html(FILE *f, struct str text);

/* The same for text that the program wrote itself, in which a '\' is
 * one. */
void markup_own(FILE *f, const char *text);

#endif
