#include "config.h"

#include "status/html.h"

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

bool
html_is_refusal(enum reason reason)
{
	return reason_is_refusal(reason) && reason != REASON_NOT_OPTIONS;
}

static void
minute_parts(const unsigned long of[REASON_COUNT], unsigned long out[PARTS])
{
	out[PART_ALLOWED] = of[REASON_ALLOWED];
	out[PART_OTHER] = of[REASON_NOT_PREFLIGHT] + of[REASON_NOT_OPTIONS];
	out[PART_REFUSED] = 0;
	for (size_t r = 0; r < REASON_COUNT; r++)
		if (html_is_refusal((enum reason)r))
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
		html_number(f, of[i]);
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
		html_number(f, sums[i]);
		fputs("</li>", f);
	}
	fputs("</ul>\n", f);
}

void
html_plot(const struct status *st, FILE *f)
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
	html_number(f, max);
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
