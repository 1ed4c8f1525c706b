#include "config.h"

#include "status/html.h"

#include "base/escape.h"

static void
place(FILE *f, const char *file, unsigned line)
{
	if (line == 0)
		return;
	fputs("<code>", f);
	markup_own(f, file);
	fprintf(f, ":%u</code>", line);
}

/* What was refused, by whom, the nearest miss, and the line to change. */
static void
refused_one(const struct status_refused *x, FILE *f)
{
	fputs("<li><b>", f);
	if (x->entry.excess > 0)
		fputs("<span title=\"at least\">&ge;&#8239;</span>", f);
	html_number(f, topk_least(&x->entry));
	fputs("</b><code>", f);
	markup_html(f, topk_text(&x->entry));
	fprintf(f, "%s</code><small>%s", x->entry.length > TOPK_TEXT ?
	    "&hellip;" : "", reason_name(x->entry.reason));
	if (x->entry.npolicy > 0) {
		fputs(", policy ", f);
		markup_html(f, topk_policy(&x->entry));
	}
	if (x->line > 0) {
		fputs(", ", f);
		place(f, x->file, x->line);
	}
	if (x->allowed_now) {
		fputs(": allowed by now", f);
	} else if (x->why[0] != '\0') {
		fputs(": ", f);
		markup_own(f, x->why);
	}
	fputs("</small></li>\n", f);
}

static void
refused_list(const struct status_refusals *list, const char *title, FILE *f)
{
	fprintf(f, "<h3>%s</h3>\n", title);
	if (list->n == 0) {
		fputs("<p class=\"soft\">none</p>\n", f);
		return;
	}
	fputs("<ol class=\"most\">\n", f);
	for (size_t i = 0; i < list->n; i++)
		refused_one(&list->at[i], f);
	fputs("</ol>\n", f);
}

void
html_refused(const struct status *st, FILE *f)
{
	fputs("<section><h2>Refused most</h2>\n", f);
	refused_list(&st->refused[REFUSED_ORIGINS], "Origins", f);
	refused_list(&st->refused[REFUSED_METHODS], "Methods", f);
	refused_list(&st->refused[REFUSED_HEADERS], "Headers", f);
	fputs("</section>\n", f);
}

static void
missing_one(const struct status *st, const struct unused_origin *m, FILE *f)
{
	fputs("<li><code>", f);
	markup_html(f, m->entry.text);
	fputs("</code><small>", f);
	place(f, policy_set_file_name(st->policies, m->entry.at.file),
	    m->entry.at.line);
	fputs("</small></li>\n", f);
}

void
html_missing(const struct status *st, FILE *f)
{
	fputs("<section><h2>Allowed origins never seen</h2>\n<p>", f);
	html_number(f, st->unseen);
	fputs(" of ", f);
	html_number(f, st->origins);
	fputs(" entries have allowed nobody since the server was started or "
	    "they were added.</p>\n", f);
	if (st->nmissing > 0) {
		fputs("<ul class=\"most flat\">\n", f);
		for (size_t i = 0; i < st->nmissing; i++)
			missing_one(st, &st->missing[i], f);
		fputs("</ul>\n", f);
	}
	if (st->nmissing > 0 && st->unseen > st->nmissing) {
		fputs("<p class=\"soft\">and ", f);
		html_number(f, st->unseen - st->nmissing);
		fputs(" more</p>\n", f);
	}
	fputs("</section>\n", f);
}
