#include "config.h"

#include "serve/snapshot.h"

#include <stdlib.h>

#include "serve/answer.h"
#include "serve/fcgi.h"
#include "serve/fcgi_parser.h"

enum { OUT_ROOM = 64 * 1024 }; /* for the answers of one wake-up */

/* Returns 0, or -1 without memory. */
static int
space_init(struct answer_space *space, const struct policy_set *policies)
{
	space->text_cap = answer_max(policies);
	space->answer_cap = fcgi_answer_max(space->text_cap);
	if (space->answer_cap < STREAM_REPLY_MAX)
		space->answer_cap = STREAM_REPLY_MAX;
	space->out_cap = space->answer_cap + OUT_ROOM;
	space->text = malloc(space->text_cap);
	space->out = malloc(space->out_cap);
	return space->text != NULL && space->out != NULL ? 0 : -1;
}

/* Returns 0, or -1 without memory. */
static int
generation_init(struct generation *g, struct metrics *metrics)
{
	g->view = metrics_view_new(metrics, g->policies);
	if (g->view == NULL)
		return -1;
	if (g->candidate != NULL &&
	    (g->shadow = shadow_new(g->policies, g->candidate)) == NULL)
		return -1;
	for (size_t i = 0; i < g->workers; i++)
		if (space_init(&g->spaces[i], g->policies) == -1)
			return -1;
	return 0;
}

struct generation *
generation_new(struct policy_set *policies, struct policy_set *candidate,
    struct metrics *metrics, size_t workers)
{
	struct generation *g = calloc(1, sizeof *g +
	    workers * sizeof g->spaces[0]);

	if (g == NULL)
		return NULL;
	g->policies = policies;
	g->candidate = candidate;
	g->workers = workers;
	if (generation_init(g, metrics) == -1) {
		generation_free(g);
		return NULL;
	}
	return g;
}

void
generation_free(struct generation *g)
{
	if (g == NULL)
		return;
	for (size_t i = 0; i < g->workers; i++) {
		free(g->spaces[i].text);
		free(g->spaces[i].out);
	}
	metrics_view_free(g->view);
	shadow_free(g->shadow);
	free(g);
}
