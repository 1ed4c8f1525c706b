/* html.c - the status page: one document that loads nothing and runs no
 * script.  What comes from requests goes through markup_html. */
#include "config.h"

#include "status/status.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/escape.h"

enum { ROWS_SHOWN = 50 };

static const unsigned char style[] = {
#include "status/status.css.h"
};

static void
number(FILE *f, unsigned long n)
{
	if (n >= 1000) {
		number(f, n / 1000);
		fprintf(f, ",%03lu", n % 1000);
	} else {
		fprintf(f, "%lu", n);
	}
}

static void
duration(FILE *f, int64_t seconds)
{
	unsigned long s = seconds > 0 ? (unsigned long)seconds : 0;

	if (s < 120)
		fprintf(f, "%lu s", s);
	else if (s < 7200)
		fprintf(f, "%lu min", s / 60);
	else if (s < 172800)
		fprintf(f, "%lu h %lu min", s / 3600, s / 60 % 60);
	else
		fprintf(f, "%lu d %lu h", s / 86400, s / 3600 % 24);
}

/* A moment and how long ago it was. */
static void
moment(const struct status *st, FILE *f, int64_t t)
{
	char text[CLOCK_TEXT];

	clock_text(text, t);
	if (t == 0) {
		fputs(text, f);
		return;
	}
	fprintf(f, "<time datetime=\"%s\">%.10s %.8s UTC</time> <span "
	    "class=\"soft\">(", text, text, text + 11);
	duration(f, st->now - t);
	fputs(" ago)</span>", f);
}

/* Whether it counts as refused on the page. */
static bool
is_refusal(enum reason reason)
{
	return reason_is_refusal(reason) && reason != REASON_NOT_OPTIONS;
}

/* ---- head -------------------------------------------------------------- */

static void
write_head(const struct status *st, FILE *f)
{
	bool good = st->nproblems == 0;
	char now[CLOCK_TEXT];

	fprintf(f, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n"
	    "<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
	    "content=\"width=device-width, initial-scale=1\">\n"
	    "<title>%s - preflightd</title>\n"
	    "<link rel=\"icon\" href=\"data:image/svg+xml,%%3Csvg xmlns='"
	    "http://www.w3.org/2000/svg' viewBox='0 0 8 8'%%3E%%3Ccircle "
	    "cx='4' cy='4' r='3' fill='%s'/%%3E%%3C/svg%%3E\">\n"
	    "<style>\n", good ? "healthy" : "attention",
	    good ? "%232a9d5c" : "%23e08b2c");
	fwrite(style, 1, sizeof style, f);
	fprintf(f, "</style>\n</head>\n<body>\n<header><h1>preflightd</h1>"
	    "<p class=\"badge%s\">%s</p>\n<p class=\"soft\">version "
	    PACKAGE_VERSION ", running for ", good ? "" : " warn",
	    good ? "Healthy" : "Attention");
	duration(f, st->server.uptime / 1000000);
	clock_text(now, st->now);
	fprintf(f, "; it is %.10s %.8s UTC</p></header>\n<main>\n", now,
	    now + 11);
}

static void
write_problems(const struct status *st, FILE *f)
{
	const char *error = st->load.policy[LOAD_LIVE].error;

	if (st->nproblems == 0)
		return;
	fputs("<section class=\"warn\"><h2>Needs attention</h2>\n", f);
	for (size_t i = 0; i < st->nproblems; i++) {
		fputs("<p>", f);
		markup_own(f, st->problems[i]);
		fputs("</p>\n", f);
	}
	if (error[0] != '\0') {
		fputs("<p><code>", f);
		markup_own(f, error);
		fputs("</code></p>\n", f);
	}
	fputs("</section>\n", f);
}

static void
tile(FILE *f, const char *name, unsigned long n)
{
	fprintf(f, "<div><dt>%s</dt><dd>", name);
	number(f, n);
}

static void
write_tiles(const struct status *st, FILE *f)
{
	const unsigned long *of = st->server.counters;
	unsigned long refused = 0;

	for (size_t r = 0; r < REASON_COUNT; r++)
		if (is_refusal((enum reason)r))
			refused += of[COUNT_REASONS + r];
	fputs("<dl class=\"tiles\">\n", f);
	tile(f, "Requests", of[COUNT_REQUESTS]);
	fputs("</dd></div>\n", f);
	tile(f, "Allowed", of[COUNT_REASONS + REASON_ALLOWED]);
	fputs("</dd></div>\n", f);
	tile(f, "Refused", refused);
	fputs("</dd></div>\n", f);
	tile(f, "Connections", st->server.open);
	fputs("<small>of ", f);
	number(f, st->server.max_connections);
	fprintf(f, ", %lu thread%s</small></dd></div>\n</dl>\n",
	    st->server.threads, st->server.threads == 1 ? "" : "s");
}

/* ---- policies ---------------------------------------------------------- */

static void
write_facts(const struct status *st, enum load_role role, FILE *f)
{
	const struct policy_load *p = &st->load.policy[role];
	int64_t when;
	const char *result = status_reload(p, &when);

	fputs("<dt>Digest</dt><dd><code>", f);
	markup_own(f, p->digest[0] != '\0' ? p->digest : "none");
	fputs("</code></dd>\n<dt>In use since</dt><dd>", f);
	moment(st, f, p->loaded_at);
	fprintf(f, "</dd>\n<dt>Last reload</dt><dd>%s", result);
	if (when != 0) {
		fputs(", ", f);
		moment(st, f, when);
	}
	if (p->error[0] != '\0') {
		fputs("<br><code>", f);
		markup_own(f, p->error);
		fputs("</code>", f);
	}
	fputs("</dd>\n<dt>Loads</dt><dd>", f);
	number(f, p->loads);
	fputs(" good, ", f);
	number(f, p->refusals);
	fputs(" refused</dd>\n", f);
}

static void
write_policy(const struct status *st, FILE *f)
{
	fputs("<section><h2>Policy</h2>\n<dl class=\"facts\">\n", f);
	write_facts(st, LOAD_LIVE, f);
	fputs("<dt>Policies</dt><dd>", f);
	number(f, policy_set_count(st->policies));
	fputs(" with ", f);
	number(f, st->origins);
	fputs(" entries for origins</dd>\n</dl></section>\n", f);
}

static void
write_difference(const struct shadow_row *d, FILE *f)
{
	fputs("<li><b>", f);
	markup_html(f, d->policy);
	fputs("</b><span>", f);
	number(f, d->requests);
	fprintf(f, "</span><small>%s &rarr; %s</small></li>\n",
	    reason_name(d->before), reason_name(d->after));
}

static void
write_shadow(const struct status *st, FILE *f)
{
	if (!status_has_shadow(st))
		return;
	fputs("<section><h2>Shadow policy</h2>\n<dl class=\"facts\">\n", f);
	write_facts(st, LOAD_SHADOW, f);
	fputs("</dl>\n<h3>Differences</h3>\n", f);
	if (st->ndifferences == 0) {
		fputs("<p class=\"soft\">none</p></section>\n", f);
		return;
	}
	fputs("<p class=\"soft\">Preflights, by policy and by the reason of "
	    "the live &rarr; the shadow policy</p>\n<ul class=\"rows\">\n",
	    f);
	for (size_t i = 0; i < st->ndifferences && i < ROWS_SHOWN; i++)
		write_difference(&st->differences[i], f);
	fputs("</ul></section>\n", f);
}

/* ---- the last hour ----------------------------------------------------- */

/* The drawing's own units; it is stretched to the page's width. */
enum { STEP = 10, BAR = 8, WIDTH = STEP * METRICS_MINUTES, HEIGHT = 100 };

enum part { PART_ALLOWED, PART_REFUSED, PART_OTHER, PARTS };

static const struct {
	const char *class, *name;
} parts[PARTS] = {
	[PART_ALLOWED] = {"a", "allowed"},
	[PART_REFUSED] = {"r", "refused"},
	[PART_OTHER] = {"o", "no preflight"},
};

static void
minute_parts(const unsigned long of[REASON_COUNT], unsigned long out[PARTS])
{
	out[PART_ALLOWED] = of[REASON_ALLOWED];
	out[PART_OTHER] = of[REASON_NOT_PREFLIGHT] + of[REASON_NOT_OPTIONS];
	out[PART_REFUSED] = 0;
	for (size_t r = 0; r < REASON_COUNT; r++)
		if (is_refusal((enum reason)r))
			out[PART_REFUSED] += of[r];
}

/* A round number that is not less than n: 1, 2 or 5 and zeros. */
static unsigned long
round_up(unsigned long n)
{
	unsigned long step = 1;

	while (step < n && step <= n / 10)
		step *= 10;
	if (step >= n)
		return step;
	if (2 * step >= n)
		return 2 * step;
	return 5 * step >= n ? 5 * step : 10 * step;
}

static void
bar(FILE *f, size_t minute, const unsigned long of[PARTS], unsigned long max)
{
	size_t ago = METRICS_MINUTES - 1 - minute;
	double y = HEIGHT, height;

	fprintf(f, "<g><title>%zu min ago:", ago);
	for (size_t i = 0; i < PARTS; i++) {
		fputs(i > 0 ? ", " : " ", f);
		number(f, of[i]);
		fprintf(f, " %s", parts[i].name);
	}
	fputs("</title>", f);
	for (size_t i = 0; i < PARTS; i++) {
		if (of[i] == 0)
			continue;
		height = HEIGHT * (double)of[i] / (double)max;
		y -= height;
		fprintf(f, "<rect class=\"%s\" x=\"%zu\" y=\"%.2f\" "
		    "width=\"%d\" height=\"%.2f\"/>", parts[i].class,
		    minute * STEP + (STEP - BAR) / 2, y, BAR, height);
	}
	fputs("</g>\n", f);
}

static void
legend(FILE *f, const unsigned long sums[PARTS])
{
	fputs("<ul class=\"legend\">", f);
	for (size_t i = 0; i < PARTS; i++) {
		fprintf(f, "<li class=\"%s\">%s ", parts[i].class,
		    parts[i].name);
		number(f, sums[i]);
		fputs("</li>", f);
	}
	fputs("</ul>\n", f);
}

static void
write_last_hour(const struct status *st, FILE *f)
{
	unsigned long of[METRICS_MINUTES][PARTS], sums[PARTS] = {0};
	unsigned long sum, most = 0, max;

	for (size_t m = 0; m < METRICS_MINUTES; m++) {
		minute_parts(st->last_hour[m], of[m]);
		sum = 0;
		for (size_t i = 0; i < PARTS; i++) {
			sum += of[m][i];
			sums[i] += of[m][i];
		}
		if (sum > most)
			most = sum;
	}
	max = round_up(most);
	fputs("<section><h2>Last hour</h2>\n<p class=\"axis\"><span>", f);
	number(f, max);
	fprintf(f, " a minute</span></p>\n<svg class=\"plot\" role=\"img\" "
	    "aria-label=\"Requests in each minute of the last hour, at most "
	    "%lu\" viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">\n"
	    "<line x1=\"0\" y1=\"0\" x2=\"%d\" y2=\"0\"/>"
	    "<line x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", most, WIDTH,
	    HEIGHT, WIDTH, HEIGHT / 2, WIDTH, HEIGHT / 2);
	for (size_t m = 0; m < METRICS_MINUTES; m++)
		bar(f, m, of[m], max);
	fputs("</svg>\n<p class=\"axis\"><span>60 min ago</span>"
	    "<span>30</span><span>now</span></p>\n", f);
	legend(f, sums);
	fputs("</section>\n", f);
}

/* ---- requests ---------------------------------------------------------- */

static unsigned long
row_total(const struct metrics_row *row)
{
	unsigned long n = 0;

	for (size_t r = 0; r < REASON_COUNT; r++)
		n += row->of[r];
	return n;
}

/* Rows of policies that are in use, or have counted something. */
static bool
is_shown(const struct metrics_row *row)
{
	return row_total(row) > 0 || (row->in_use && row->name[0] != '(');
}

static void
chips(const struct metrics_row *row, FILE *f)
{
	fputs("<ul class=\"chips\">", f);
	for (size_t r = 0; r < REASON_COUNT; r++) {
		if (row->of[r] == 0)
			continue;
		fprintf(f, "<li class=\"%s\">%s ", r == REASON_ALLOWED ? "a" :
		    is_refusal((enum reason)r) ? "r" : "o",
		    reason_name((enum reason)r));
		number(f, row->of[r]);
		fputs("</li>", f);
	}
	fputs("</ul>", f);
}

static void
write_row(const struct metrics_row *row, FILE *f)
{
	fputs("<li><b>", f);
	markup_html(f, str_of(row->name));
	if (!row->in_use && row->name[0] != '(')
		fputs(" <span class=\"soft\">(gone)</span>", f);
	fputs("</b><span>", f);
	number(f, row_total(row));
	fputs("</span>", f);
	chips(row, f);
	fputs("</li>\n", f);
}

static int
compare_rows(const void *a, const void *b)
{
	const struct metrics_row *const *x = a, *const *y = b;
	unsigned long m = row_total(*x), n = row_total(*y);

	if (m != n)
		return m > n ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* The rows to show, those with the most requests first. */
static size_t
rows_sort(const struct status *st, const struct metrics_row **out)
{
	size_t n = 0;

	for (size_t i = 0; i < st->nrows; i++)
		if (is_shown(&st->rows[i]))
			out[n++] = &st->rows[i];
	qsort(out, n, sizeof *out, compare_rows);
	return n;
}

static void
write_requests(const struct status *st, FILE *f)
{
	const struct metrics_row **rows = calloc(st->nrows, sizeof *rows);
	size_t n;

	if (rows == NULL)
		return;
	n = rows_sort(st, rows);
	fputs("<section><h2>Requests by policy and reason</h2>\n"
	    "<ul class=\"rows\">\n", f);
	for (size_t i = 0; i < n && i < ROWS_SHOWN; i++)
		write_row(rows[i], f);
	fputs("</ul>\n", f);
	if (n > ROWS_SHOWN)
		fprintf(f, "<p class=\"soft\">and %zu more: see <a "
		    "href=\"?json\">json</a></p>\n", n - ROWS_SHOWN);
	fputs("</section>\n", f);
	free(rows);
}

/* ---- lists ------------------------------------------------------------- */

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
	number(f, topk_least(&x->entry));
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

static void
write_refused(const struct status *st, FILE *f)
{
	fputs("<section><h2>Top refused</h2>\n", f);
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

static void
write_missing(const struct status *st, FILE *f)
{
	fputs("<section><h2>Allowed origins never seen</h2>\n<p>", f);
	number(f, st->unseen);
	fputs(" of ", f);
	number(f, st->origins);
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
		number(f, st->unseen - st->nmissing);
		fputs(" more</p>\n", f);
	}
	fputs("</section>\n", f);
}

/* ---- the page ---------------------------------------------------------- */

static void
write_connections(const struct status *st, FILE *f)
{
	fputs("<section><h2>Connections</h2>\n<dl class=\"counts\">\n", f);
	for (size_t i = COUNT_REQUESTS + 1; i < COUNT_REASONS; i++) {
		fprintf(f, "<div%s><dt>%s</dt><dd>", st->server.counters[i] ==
		    0 ? " class=\"none\"" : "", counter_name(i));
		number(f, st->server.counters[i]);
		fputs("</dd></div>\n", f);
	}
	fprintf(f, "<div%s><dt>log-lines-lost</dt><dd>", st->log_lost == 0 ?
	    " class=\"none\"" : "");
	number(f, st->log_lost);
	fputs("</dd></div>\n</dl></section>\n", f);
}

void
status_write_html(const struct status *st, FILE *f)
{
	write_head(st, f);
	write_problems(st, f);
	write_tiles(st, f);
	write_policy(st, f);
	write_last_hour(st, f);
	write_requests(st, f);
	write_refused(st, f);
	write_missing(st, f);
	write_shadow(st, f);
	write_connections(st, f);
	fputs("</main>\n<footer><p>The same as <a href=\"?text\">text</a>, "
	    "<a href=\"?json\">JSON</a> and "
	    "<a href=\"?openmetrics\">OpenMetrics</a>.</p></footer>\n"
	    "</body>\n</html>\n", f);
}
