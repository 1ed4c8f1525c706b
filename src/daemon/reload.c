#include "config.h"

#include "daemon/reload.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/color.h"
#include "conf/conf.h"
#include "daemon/notify.h"
#include "daemon/watch.h"
#include "log/log.h"

enum {
	LOOK_US = 1000000,  /* how often files are looked at, */
	SETTLE_US = 100000, /* and one that has changed, until it rests */
	ROUNDS = 3,         /* but no more often than this */
};

struct reload {
	bool (*stop)(void);
	struct watch *watch; /* of what is being loaded; or NULL */
	int64_t next; /* look, us */
	struct role {
		const char *path;    /* NULL: there is none */
		struct watch *watch; /* NULL: it is not watched */
		bool changed;        /* since it was loaded */
		unsigned rounds;     /* in which it was found changed again */
	} roles[LOAD_ROLES];
};

/* The names of the two in the log. */
static const struct {
	const char *loaded, *refused;
} events[LOAD_ROLES] = {
	[LOAD_LIVE] = {"reloaded", "reload-refused"},
	[LOAD_SHADOW] = {"shadow-loaded", "shadow-refused"},
};

struct reload *
reload_new(const char *live, const char *shadow, bool watch,
    bool (*stop)(void))
{
	struct reload *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->roles[LOAD_LIVE].path = live;
	r->roles[LOAD_SHADOW].path = shadow;
	r->stop = stop;
	for (int i = 0; watch && i < LOAD_ROLES; i++) {
		if (r->roles[i].path == NULL)
			continue;
		r->roles[i].watch = watch_new();
		if (r->roles[i].watch == NULL) {
			reload_free(r);
			return NULL;
		}
	}
	return r;
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	for (int i = 0; i < LOAD_ROLES; i++)
		watch_free(r->roles[i].watch);
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
		    LOG_UNLIMITED))
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
refused_note(const struct reload *r, enum load_role role, struct diag *d)
{
	char text[LOAD_ERROR_MAX] = "out of memory";
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
	load_state_refused(role, text);
	if (!log_begin(&l, LOG_LEVEL_ERROR, events[role].refused, NULL,
	    LOG_UNLIMITED))
		return;
	log_str(&l, "policy", str_of(r->roles[role].path));
	log_end(&l);
}

static void
loaded_note(enum load_role role, const struct policy_set *policies, bool log)
{
	struct log_line l;

	load_state_loaded(role, policy_set_digest(policies));
	if (!log || !log_begin(&l, LOG_LEVEL_INFO, events[role].loaded, NULL,
	    LOG_UNLIMITED))
		return;
	log_str(&l, "digest", str_of(policy_set_digest(policies)));
	log_num(&l, "policies", policy_set_count(policies));
	log_end(&l);
}

/* ---- loading ----------------------------------------------------------- */

static void
opens(void *ctx, const char *path)
{
	const struct reload *r = ctx;

	if (r->watch != NULL)
		watch_path(r->watch, path);
}

static bool
stops(void *ctx)
{
	const struct reload *r = ctx;

	return r->stop();
}

/* Loads a file; the findings, good or bad, go to d, which may be NULL without
 * memory. */
static struct policy_set *
load(struct reload *r, enum load_role role, struct diag *d)
{
	struct conf_observer observer = {opens, stops, r};

	if (d == NULL)
		return NULL;
	if ((r->watch = r->roles[role].watch) != NULL)
		watch_begin(r->watch);
	return conf_load_observed(r->roles[role].path, d, NULL, &observer);
}

struct policy_set *
reload_first(struct reload *r)
{
	struct diag *d = diag_new();
	struct policy_set *policies = load(r, LOAD_LIVE, d);

	if (d == NULL) {
		fprintf(stderr, "preflightd serve: out of memory\n");
		return NULL;
	}
	if (policies != NULL || !r->stop())
		diag_print(d, stderr, color_wanted(stderr));
	diag_free(d);
	if (policies != NULL)
		loaded_note(LOAD_LIVE, policies, false);
	return policies;
}

/* Loads a file and logs what is wrong with it. */
static struct policy_set *
load_logged(struct reload *r, enum load_role role)
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
	return policies;
}

struct policy_set *
reload_first_shadow(struct reload *r)
{
	struct policy_set *policies;

	if (r->roles[LOAD_SHADOW].path == NULL)
		return NULL;
	policies = load_logged(r, LOAD_SHADOW);
	if (policies != NULL)
		loaded_note(LOAD_SHADOW, policies, true);
	return policies;
}

/* Has the server use what was loaded; NULL: the same as before. */
static void
publish(struct reload *r, struct server *s,
    struct policy_set *const policies[LOAD_ROLES])
{
	bool done = server_swap(s, policies[LOAD_LIVE],
	    policies[LOAD_SHADOW]) == 0;

	for (int i = 0; i < LOAD_ROLES; i++) {
		if (policies[i] == NULL)
			continue;
		if (done) {
			loaded_note((enum load_role)i, policies[i], true);
		} else {
			policy_set_free(policies[i]);
			refused_note(r, (enum load_role)i, NULL);
		}
	}
	/* What a large policy took goes back to the system. */
	(void)malloc_trim(0);
}

/* ---- changes ----------------------------------------------------------- */

/* Looks at the files of a role.  Returns how many have changed since the last
 * look. */
static size_t
role_changed(struct role *role)
{
	size_t n = role->watch != NULL ? watch_changed(role->watch) : 0;

	if (n > 0) {
		role->changed = true;
		role->rounds++;
	}
	return n;
}

/* Loads some of the two.  Where the files of one change meanwhile, they may
 * have been read as they were before and as they were after: then they are not
 * used but loaded again.  Where a single one never rests, what was read of it
 * belongs to the others, and is taken after some rounds. */
static void
load_some(struct reload *r, struct server *s, const bool wanted[LOAD_ROLES])
{
	struct policy_set *policies[LOAD_ROLES] = {NULL};
	struct role *role;
	bool again = false;
	size_t changed;

	notify_reloading();
	for (int i = 0; i < LOAD_ROLES; i++) {
		role = &r->roles[i];
		if (!wanted[i])
			continue;
		policies[i] = load_logged(r, (enum load_role)i);
		role->changed = false;
		changed = role_changed(role);
		if (changed > 1 || (changed == 1 && role->rounds < ROUNDS)) {
			policy_set_free(policies[i]);
			policies[i] = NULL;
			log_event(LOG_LEVEL_INFO, "reload-again",
			    "changed-meanwhile", LOG_PER_SECOND);
		}
		if (changed == 0 || role->rounds >= ROUNDS)
			role->rounds = 0;
		again = again || role->rounds > 0;
	}
	if (policies[LOAD_LIVE] != NULL || policies[LOAD_SHADOW] != NULL)
		publish(r, s, policies);
	if (!again)
		notify_ready();
}

void
reload_all(struct reload *r, struct server *s)
{
	bool wanted[LOAD_ROLES];

	for (int i = 0; i < LOAD_ROLES; i++) {
		wanted[i] = r->roles[i].path != NULL;
		r->roles[i].rounds = 0;
	}
	load_some(r, s, wanted);
	r->next = clock_us() + SETTLE_US;
}

int
reload_timeout_ms(const struct reload *r)
{
	int64_t left = r->next - clock_us();
	bool watched = false;

	for (int i = 0; i < LOAD_ROLES; i++)
		if (r->roles[i].watch != NULL)
			watched = true;
	if (!watched)
		return -1;
	/* Rounded up: awake too early, it would only sleep again. */
	return left > 0 ? (int)((left + 999) / 1000) : 0;
}

void
reload_check(struct reload *r, struct server *s)
{
	bool wanted[LOAD_ROLES] = {false}, any = false, waits = false;
	struct role *role;

	if (clock_us() < r->next)
		return;
	for (int i = 0; i < LOAD_ROLES; i++) {
		role = &r->roles[i];
		wanted[i] = role_changed(role) ? role->rounds >= ROUNDS :
		    role->changed;
		any = any || wanted[i];
	}
	if (any)
		load_some(r, s, wanted);
	for (int i = 0; i < LOAD_ROLES; i++)
		waits = waits || r->roles[i].rounds > 0;
	r->next = clock_us() + (waits ? SETTLE_US : LOOK_US);
}
