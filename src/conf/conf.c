#include "config.h"

#include "conf/conf.h"

#include <errno.h>

#include "base/buf.h"
#include "conf/conf_impl.h"
#include "conf/keys.h"
#include "conf/lex.h"
#include "conf/lint.h"
#include "conf/origins.h"
#include "conf/reader.h"
#include "conf/test.h"

/* How often a load asks whether to stop: some thousand times a second. */
enum { LINES_PER_LOOK = 256 };

/* ---- what the reader tells --------------------------------------------- */

static void
on_section(void *ctx, enum section_kind kind, struct str name,
    struct place at, bool known)
{
	struct conf *c = ctx;
	struct section *s = arena_alloc(&c->scratch, sizeof(*s));

	c->key = -1;
	c->current = NULL;
	if (s == NULL || (s->name = arena_str(c->kept, name)).p == NULL) {
		c->no_memory = true;
		return;
	}
	s->kind = kind;
	s->foreign = !known;
	s->at = at;
	s->values.max_age = MAX_AGE_UNSET;
	s->values.success_status = SUCCESS_STATUS_DEFAULT;
	s->values.refuse_status = REFUSE_STATUS_DEFAULT;
	*c->tail = s;
	c->tail = &s->next;
	c->current = s;
	if (kind != SECTION_DEFAULTS)
		return;
	if (c->defaults != NULL)
		diag_add(c->d, DIAG_ERROR, at, "section-duplicate",
		    "write all defaults in one section",
		    "[defaults] stands in line %u already",
		    c->defaults->at.line);
	else
		c->defaults = s;
}

static void
store(struct conf *c, struct str value, struct place at)
{
	c->current->elements[c->key]++;
	if (conf_key_set(c, c->current, c->key, value, at) != 0)
		c->no_memory = true;
}

static void
store_list(struct conf *c, struct str value, struct place at)
{
	const char *start = value.p;
	const unsigned col = at.col;
	struct str element;

	while (!c->no_memory && conf_list_next(&value, &element)) {
		at.col = col + (unsigned)(element.p - start);
		store(c, element, at);
	}
}

static const struct conf_key *
current_key(const struct conf *c)
{
	size_t count;

	if (c->current == NULL || c->key < 0)
		return NULL;
	return &conf_keys(c->current->kind, &count)[c->key];
}

/* Returns the number of the key that is likely meant, or -1. */
static int
report_unknown_key(struct conf *c, struct str key, struct place at)
{
	char hint[512];
	struct buf h = BUF(hint);
	struct shown shown;
	int meant = conf_key_suggest(c->current->kind, key, &h);

	diag_add(c->d, DIAG_ERROR, at, "key-unknown", buf_cstr(&h),
	    "unknown key '%s'", buf_shown(&shown, key));
	return meant;
}

static void
report_second_key(struct conf *c, const struct conf_key *key,
    struct place at)
{
	diag_add(c->d, DIAG_ERROR, at, "key-duplicate", conf_key_is_list(key) ?
	    "write one list: it may go on over indented lines" :
	    "take one of them out",
	    "key '%s' is set twice, first in line %u", key->name,
	    c->current->key_at[c->key].line);
}

static void
on_key(void *ctx, struct str name, struct place at, struct str value,
    struct place value_at)
{
	struct conf *c = ctx;
	struct section *s = c->current;
	const struct conf_key *key;
	bool guessed = false;

	if (s == NULL)
		return;
	c->key = conf_key_find(s->kind, name);
	if (c->key < 0) {
		guessed = true;
		c->key = report_unknown_key(c, name, at);
	}
	key = current_key(c);
	if (key == NULL)
		return;
	if (s->set[c->key] && !guessed && !s->guessed[c->key]) {
		report_second_key(c, key, at);
	} else {
		s->set[c->key] = true;
		s->guessed[c->key] = guessed;
		s->key_at[c->key] = at;
		s->value_at[c->key] = value_at;
	}
	if (conf_key_is_list(key))
		store_list(c, value, value_at);
	else if (value.n > 0)
		store(c, value, value_at);
	else
		diag_add(c->d, DIAG_ERROR, at, "key-empty",
		    "write a value, or take the key out",
		    "key '%s' has no value", key->name);
}

static void
on_more(void *ctx, struct str text, struct place at)
{
	struct conf *c = ctx;
	const struct conf_key *key = current_key(c);

	if (key == NULL)
		return;
	if (conf_is_stopped(c, at.line))
		return;
	if (conf_key_is_list(key))
		store_list(c, text, at);
	else
		diag_add(c->d, DIAG_ERROR, at, "line-continues-scalar",
		    "only lists go on over indented lines",
		    "key '%s' has one value, on its own line", key->name);
}

static void
on_dropped(void *ctx)
{
	struct conf *c = ctx;

	if (c->current != NULL)
		c->current->damaged = true;
}

/* ---- the file ---------------------------------------------------------- */

int
conf_open(const struct conf *c, struct lines *in, const char *path,
    const char **why)
{
	if (c->observer != NULL)
		c->observer->opens(c->observer->ctx, path);
	return lines_open(in, path, why);
}

const char *
conf_open_hint(const char *otherwise)
{
	return errno == EACCES ? "let the user that preflightd runs as read "
	    "it (chgrp preflightd FILE, chmod 640 FILE) and pass through its "
	    "folders (chmod g+x)" : otherwise;
}

bool
conf_is_stopped(struct conf *c, unsigned line)
{
	if (c->stopped || c->observer == NULL || c->observer->stops == NULL ||
	    line % LINES_PER_LOOK != 0)
		return c->stopped;
	c->stopped = c->observer->stops(c->observer->ctx);
	if (c->stopped)
		diag_add(c->d, DIAG_ERROR, (struct place){c->file, 1, 1},
		    "load-stopped", NULL, "the load was stopped");
	return c->stopped;
}

bool
conf_is_torn(const struct conf *c, const struct lines *in, unsigned file)
{
	if (!lines_changed(in))
		return false;
	diag_add(c->d, DIAG_ERROR, (struct place){file, 1, 1}, "file-changed",
	    "load it again; better write a new file and rename it to this one",
	    "the file changed while it was read");
	return true;
}

/* Reads the open policy file.  Returns 0, or -1 with an error in d. */
static int
load(struct conf *c, struct lines *in, struct conf_tests *tests)
{
	static const struct conf_events events = {on_section, on_key, on_more,
	    on_dropped};
	size_t before = diag_errors(c->d);

	if (policy_set_file(c->set, c->file, c->path) != 0)
		return -1;
	if (conf_read(in, c->file, c->d, &events, c) != 0 || c->no_memory ||
	    c->stopped)
		return -1;
	/* Of a file half written, the findings are no news. */
	if (conf_is_torn(c, in, c->file))
		return -1;
	if (conf_build(c) != 0)
		return -1;
	conf_tests_check(c);
	lint_answers(c->set, c->d);
	if (diag_errors(c->d) == before && conf_tests_run(c, tests) != 0)
		return -1;
	return diag_errors(c->d) == before ? 0 : -1;
}

static struct policy_set *
load_as(const char *path, bool stream, struct diag *d,
    struct conf_tests *tests, const struct conf_observer *observer)
{
	const char *name = stream && strcmp(path, "-") == 0 ? "<stdin>" : path;
	size_t before = diag_errors(d);
	const struct place whole = {diag_file(d, name), 1, 1};
	struct conf c = {.d = d, .path = name, .observer = observer,
	    .file = whole.file, .key = -1};
	struct lines in = {.fd = -1};
	const char *why;
	int ret = -1;

	c.tail = &c.sections;
	if (tests != NULL)
		*tests = (struct conf_tests){.run = 0};
	if (whole.file == DIAG_NO_FILE)
		goto out;
	if ((stream ? lines_open_stream(&in, path, &why) :
	    conf_open(&c, &in, path, &why)) != 0) {
		diag_add(d, DIAG_ERROR, whole, "file-unusable",
		    conf_open_hint(errno == ENOENT ? "write one there, or name "
		    "another with -p FILE or $PREFLIGHTD_POLICY" : "name a "
		    "policy file: a regular file that can be read"),
		    "can't use the file: %s", why);
		goto out;
	}
	c.beside = S_ISREG(in.stat.st_mode) ? name : "";
	c.set = policy_set_new();
	if (c.set == NULL)
		goto out;
	c.kept = policy_set_arena(c.set);
	ret = load(&c, &in, tests);
out:
	if (ret != 0) {
		if (diag_errors(d) == before)
			diag_add(d, DIAG_ERROR, whole, "file-memory", NULL,
			    "out of memory");
		policy_set_free(c.set);
		c.set = NULL;
	}
	lines_close(&in);
	arena_clear(&c.scratch);
	return c.set;
}

struct policy_set *
conf_load(const char *path, struct diag *d, struct conf_tests *tests)
{
	return load_as(path, false, d, tests, NULL);
}

struct policy_set *
conf_load_stream(const char *path, struct diag *d, struct conf_tests *tests)
{
	return load_as(path, true, d, tests, NULL);
}

struct policy_set *
conf_load_observed(const char *path, struct diag *d, struct conf_tests *tests,
    const struct conf_observer *observer)
{
	return load_as(path, false, d, tests, observer);
}
