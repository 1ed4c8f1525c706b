#include "config.h"

#include "reload.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conf.h"
#include "log.h"
#include "notify.h"
#include "watch.h"

enum {
	SETTLE_US = 100000,      /* how long a changed file must be quiet, */
	SETTLE_MAX_US = 2000000, /* but no longer than this in all */
};

struct reload {
	const char *path[FACTS_ROLES];    /* NULL: there is none */
	struct watch *watch[FACTS_ROLES]; /* NULL: it is not watched */
	bool (*stop)(void);
	bool changed[FACTS_ROLES];
	int64_t first, last; /* change not yet loaded, us; 0: none */
	int gap_told;        /* errno of the gap in what is watched */
};

/* The names of the two in the log. */
static const struct {
	const char *loaded, *refused;
} events[FACTS_ROLES] = {
	[FACTS_LIVE] = {"reloaded", "reload-refused"},
	[FACTS_SHADOW] = {"shadow-loaded", "shadow-refused"},
};

struct reload *
reload_new(const char *live, const char *shadow, bool watch,
    bool (*stop)(void))
{
	struct reload *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->path[FACTS_LIVE] = live;
	r->path[FACTS_SHADOW] = shadow;
	r->stop = stop;
	for (int i = 0; watch && i < FACTS_ROLES; i++)
		if (r->path[i] != NULL && (r->watch[i] = watch_new()) == NULL) {
			int saved = errno;

			reload_free(r);
			errno = saved;
			return NULL;
		}
	return r;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < FACTS_ROLES; i++)
		watch_free(r->watch[i]);
	free(r);
}

/* ---- telling ----------------------------------------------------------- */

static void
diag_log(struct diag *d)
{
	size_t n;
	const struct diag_item *items = diag_items(d, &n);
	struct log_line l;
	bool error;

	for (size_t i = 0; i < n; i++) {
		error = items[i].level == DIAG_ERROR;
		if (!log_begin(&l, error ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING,
		    error ? "policy-error" : "policy-warning", NULL,
		    LOG_EVERY))
			continue;
		log_str(&l, "file", str_of(diag_file_name(d,
		    items[i].at.file)));
		log_num(&l, "line", items[i].at.line);
		log_num(&l, "col", items[i].at.col);
		log_str(&l, "id", str_of(items[i].id));
		log_text(&l, "text", str_of(items[i].text));
		log_text(&l, "hint", str_of(items[i].hint));
		log_end(&l);
	}
}

/* Says that a file was refused and why: its first error, as check prints it; d
 * is NULL without memory. */
static void
refused_note(const struct reload *r, enum facts_role role, struct diag *d)
{
	char text[FACTS_TEXT] = "out of memory";
	size_t n = 0;
	const struct diag_item *items = d != NULL ? diag_items(d, &n) : NULL;
	struct log_line l;

	for (size_t i = 0; i < n; i++)
		if (items[i].level == DIAG_ERROR) {
			snprintf(text, sizeof text, "%s:%u:%u: %s",
			    diag_file_name(d, items[i].at.file),
			    items[i].at.line, items[i].at.col, items[i].text);
			break;
		}
	facts_refused(role, text);
	if (!log_begin(&l, LOG_LEVEL_ERROR, events[role].refused, NULL,
	    LOG_EVERY))
		return;
	log_str(&l, "policy", str_of(r->path[role]));
	log_end(&l);
}

static void
loaded_note(enum facts_role role, const struct policy_set *policies, bool log)
{
	struct log_line l;

	facts_loaded(role, policy_set_digest(policies));
	if (!log || !log_begin(&l, LOG_LEVEL_INFO, events[role].loaded, NULL,
	    LOG_EVERY))
		return;
	log_str(&l, "digest", str_of(policy_set_digest(policies)));
	log_num(&l, "policies", policy_set_count(policies));
	log_end(&l);
}

/* Says once where changes can't be seen. */
static void
gap_note(struct reload *r, enum facts_role role)
{
	const char *path = NULL;
	int error = 0;
	struct log_line l;

	if (r->watch[role] != NULL)
		path = watch_gap(r->watch[role], &error);
	if (path == NULL || error == r->gap_told)
		return;
	r->gap_told = error;
	if (!log_begin(&l, LOG_LEVEL_WARNING, "watch-incomplete", NULL,
	    LOG_EVERY))
		return;
	log_str(&l, "path", str_of(path));
	log_str(&l, "error", str_of(strerror(error)));
	log_str(&l, "hint", str_of(error == ENOSPC ?
	    "raise fs.inotify.max_user_watches, or send SIGHUP after changes" :
	    "let the user read that folder, or send SIGHUP after changes"));
	log_end(&l);
}

/* ---- loading ----------------------------------------------------------- */

/* What the loader is told to ask and tell. */
struct loading {
	struct watch *watch; /* NULL: it is not watched */
	bool (*stop)(void);
};

static void
opens(void *ctx, const char *path)
{
	const struct loading *l = ctx;

	if (l->watch != NULL)
		watch_path(l->watch, path);
}

static bool
stops(void *ctx)
{
	const struct loading *l = ctx;

	return l->stop();
}

/* Loads a file; the findings, good or bad, go to d, which may be NULL without
 * memory. */
static struct policy_set *
load(struct reload *r, enum facts_role role, struct diag *d)
{
	struct watch *w = r->watch[role];
	struct loading loading = {w, r->stop};
	struct conf_observer observer = {opens, stops, &loading};
	struct policy_set *policies;

	if (d == NULL)
		return NULL;
	if (w != NULL)
		watch_begin(w);
	policies = conf_load_observed(r->path[role], d, NULL, &observer);
	if (w != NULL)
		watch_end(w);
	return policies;
}

struct policy_set *
reload_first(struct reload *r)
{
	struct diag *d = diag_new();
	struct policy_set *policies = load(r, FACTS_LIVE, d);

	if (d == NULL) {
		fprintf(stderr, "preflightd serve: out of memory\n");
		return NULL;
	}
	if (policies != NULL || !r->stop())
		diag_print(d, stderr);
	diag_free(d);
	if (policies != NULL)
		loaded_note(FACTS_LIVE, policies, false);
	return policies;
}

/* Loads a file and logs what is wrong with it. */
static struct policy_set *
load_logged(struct reload *r, enum facts_role role)
{
	struct diag *d = diag_new();
	struct policy_set *policies = load(r, role, d);

	if (policies == NULL && r->stop()) {
		diag_free(d);
		return NULL;
	}
	if (d != NULL)
		diag_log(d);
	if (policies == NULL)
		refused_note(r, role, d);
	diag_free(d);
	gap_note(r, role);
	return policies;
}

struct policy_set *
reload_first_shadow(struct reload *r)
{
	struct policy_set *policies;

	gap_note(r, FACTS_LIVE);
	if (r->path[FACTS_SHADOW] == NULL)
		return NULL;
	policies = load_logged(r, FACTS_SHADOW);
	if (policies != NULL)
		loaded_note(FACTS_SHADOW, policies, true);
	return policies;
}

/* Has the server use what was loaded. */
static void
hand_over(struct reload *r, struct server *s,
    struct policy_set *const policies[FACTS_ROLES])
{
	bool done;

	if (policies[FACTS_LIVE] == NULL && policies[FACTS_SHADOW] == NULL)
		return;
	done = server_swap(s, policies[FACTS_LIVE],
	    policies[FACTS_SHADOW]) == 0;
	for (int i = 0; i < FACTS_ROLES; i++) {
		if (policies[i] == NULL)
			continue;
		if (done) {
			loaded_note((enum facts_role)i, policies[i], true);
		} else {
			policy_set_free(policies[i]);
			refused_note(r, (enum facts_role)i, NULL);
		}
	}
	/* What a large policy took goes back to the system. */
	(void)malloc_trim(0);
}

/* ---- changes ----------------------------------------------------------- */

/* Takes what the watches have seen. */
static void
changes_take(struct reload *r)
{
	const int64_t now = clock_us();
	enum watch_news news;

	for (int i = 0; i < FACTS_ROLES; i++) {
		if (r->watch[i] == NULL)
			continue;
		news = watch_take(r->watch[i]);
		if (news == WATCH_CHANGED) {
			r->changed[i] = true;
			if (r->first == 0)
				r->first = now;
		}
		if (news != WATCH_NOTHING && r->first != 0)
			r->last = now;
	}
}

/* When what has changed is to be loaded, us. */
static int64_t
settled_at(const struct reload *r)
{
	int64_t quiet = r->last + SETTLE_US, end = r->first + SETTLE_MAX_US;

	return quiet < end ? quiet : end;
}

/* Loads what has changed.  Where more changes meanwhile, one file may have been
 * read as it was before and the next as it was after: then none of it is used,
 * and all is loaded again. */
static void
changed_load(struct reload *r, struct server *s)
{
	struct policy_set *policies[FACTS_ROLES] = {NULL};
	bool wanted[FACTS_ROLES];

	notify_reloading();
	memcpy(wanted, r->changed, sizeof wanted);
	memset(r->changed, 0, sizeof r->changed);
	r->first = 0;
	for (int i = 0; i < FACTS_ROLES; i++)
		if (wanted[i])
			policies[i] = load_logged(r, (enum facts_role)i);
	changes_take(r);
	if (r->first == 0) {
		hand_over(r, s, policies);
		notify_ready();
		return;
	}
	log_event(LOG_LEVEL_INFO, "reload-again", "changed-meanwhile",
	    LOG_SOME);
	for (int i = 0; i < FACTS_ROLES; i++) {
		policy_set_free(policies[i]);
		r->changed[i] = r->changed[i] || wanted[i];
	}
}

void
reload_all(struct reload *r, struct server *s)
{
	/* What was seen up to now is loaded with the rest. */
	changes_take(r);
	for (int i = 0; i < FACTS_ROLES; i++)
		r->changed[i] = r->path[i] != NULL;
	changed_load(r, s);
}

void
reload_poll(const struct reload *r, struct pollfd fds[FACTS_ROLES])
{
	for (int i = 0; i < FACTS_ROLES; i++)
		fds[i] = (struct pollfd){.fd = r->watch[i] != NULL ?
		    watch_fd(r->watch[i]) : -1, .events = POLLIN};
}

int
reload_patience(const struct reload *r)
{
	int64_t left;

	if (r->first == 0)
		return -1;
	left = settled_at(r) - clock_us();
	/* Rounded up: awake too early, it would only sleep again. */
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

void
reload_attend(struct reload *r, struct server *s)
{
	changes_take(r);
	if (r->first != 0 && clock_us() >= settled_at(r))
		changed_load(r, s);
}
