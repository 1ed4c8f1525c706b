/* html.h - the parts of the status page, one file each. */
#ifndef PREFLIGHTD_STATUS_HTML_H
#define PREFLIGHTD_STATUS_HTML_H

#include "status/status.h"

/* The style sheet, for a <style> element. */
extern const char status_style[];

/* A number with a comma at each thousand. */
void html_number(FILE *f, unsigned long n);

/* The last hour as a drawing, with its legend. */
void html_plot(const struct status *st, FILE *f);

/* What is refused most, and the allowed origins that nobody came for. */
void html_refused(const struct status *st, FILE *f);
void html_missing(const struct status *st, FILE *f);

/* Whether a reason is a refusal. */
bool html_is_refusal(enum reason reason);

#endif
