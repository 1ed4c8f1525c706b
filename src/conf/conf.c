#include "config.h"

#include "conf/conf.h"

#include <errno.h>
#include <limits.h>

#include "base/buf.h"
#include "conf/conf_impl.h"
#include "conf/lex.h"
#include "conf/lint.h"

enum { MAX_AGE_CHROMIUM = 7200 };

/* How often a load asks whether to stop: some thousand times a second. */
enum { LINES_PER_LOOK = 256 };

/* ---- values ------------------------------------------------------------ */

int
names_add(struct conf *c, struct names *n, struct str s, struct place at)
{
	struct field_item *items = arena_grow(&c->scratch, n->items, n->count,
	    &n->cap, sizeof(*items));
	struct str copy = arena_str(c->kept, s);

	if (items == NULL || copy.p == NULL)
		return -1;
	n->items = items;
	n->items[n->count++] = (struct field_item){.name = copy, .at = at};
	return 0;
}

static void
report_value(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, const char *id, const char *hint)
{
	struct shown shown;

	diag_add(c->d, DIAG_ERROR, at, id, hint, "invalid value '%s' of %s",
	    buf_shown(&shown, v), key->name);
}

static void
set_choice(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, bool *out)
{
	char hint[128];
	struct buf h = BUF(hint);
	int meant;

	*out = str_eq(v, str_of(key->yes));
	if (*out || str_eq(v, str_of(key->no)))
		return;
	meant = hint_choice(v);
	buf_add(&h, STR("write "));
	if (meant != 0)
		buf_add(&h, str_of(key->yes));
	if (meant < 0)
		buf_add(&h, STR(" or "));
	if (meant <= 0)
		buf_add(&h, str_of(key->no));
	report_value(c, key, v, at, "key-value", buf_cstr(&h));
}

/* Takes the digits that v begins with; what is over LLONG_MAX stays there.
 * Returns how many there are. */
static size_t
take_number(struct str v, long long *out)
{
	size_t i;

	*out = 0;
	for (i = 0; i < v.n && v.p[i] >= '0' && v.p[i] <= '9'; i++) {
		int digit = v.p[i] - '0';

		*out = *out > (LLONG_MAX - digit) / 10 ? LLONG_MAX :
		    *out * 10 + digit;
	}
	return i;
}

static void
set_status(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, int *out)
{
	long long status;

	if (v.n == 3 && take_number(v, &status) == 3 && status >= 200 &&
	    status <= key->status_max && status / 100 != 3)
		*out = (int)status;
	else
		report_value(c, key, v, at, "status-invalid",
		    key->status_hint);
}

/* Seconds in the unit that follows a number, or 0. */
static int
unit_seconds(struct str unit)
{
	static const char units[] = "smhd";
	static const int seconds[] = {1, 60, 3600, 86400};
	const char *found = unit.n != 1 ? NULL :
	    memchr(units, unit.p[0], sizeof units - 1);

	return unit.n == 0 ? 1 : found != NULL ? seconds[found - units] : 0;
}

/* More than any policy may say.  Whole minutes of milliseconds are hardly meant
 * as seconds. */
static void
refuse_max_age(struct conf *c, struct str v, long long number, bool plain,
    struct place at)
{
	struct shown shown;
	char hint[128];
	struct buf h = BUF(hint);
	bool milli = plain && number % 60000 == 0 &&
	    number / 1000 <= MAX_AGE_MAX;

	buf_add(&h, STR("write "));
	buf_uint(&h, milli ? (unsigned long)(number / 1000) : MAX_AGE_MAX);
	if (!milli)
		buf_add(&h, STR(" or less"));
	diag_add(c->d, DIAG_ERROR, at, milli ? "max-age-milliseconds" :
	    "max-age-too-large", buf_cstr(&h), milli ?
	    "max-age '%s' is over 86400 and looks like milliseconds" :
	    "max-age '%s' is over 86400 seconds (1d), the most that any "
	    "browser keeps", buf_shown(&shown, v));
}

static void
set_max_age(struct conf *c, const struct conf_key *key, struct str v,
    struct place at, int *out)
{
	struct shown shown;
	long long number;
	size_t digits = take_number(v, &number);
	int unit = unit_seconds(str_from(v, digits));

	if (v.n > 1 && v.p[0] == '-' && v.p[1] >= '0' && v.p[1] <= '9')
		diag_add(c->d, DIAG_ERROR, at, "max-age-negative",
		    "write 0 for answers that browsers do not keep",
		    "max-age '%s' is negative", buf_shown(&shown, v));
	else if (digits == 0 || unit == 0)
		report_value(c, key, v, at, "max-age-invalid",
		    "write seconds, or a number with s, m, h or d: 600, 10m");
	else if (number > MAX_AGE_MAX / unit)
		refuse_max_age(c, v, number, digits == v.n, at);
	else
		*out = (int)number * unit;
	if (*out > MAX_AGE_CHROMIUM)
		diag_add(c->d, DIAG_WARNING, at, "max-age-over-cap",
		    "write 7200 or less, or keep it for Firefox's sake",
		    "max-age '%s' is more than most browsers keep: Chromium "
		    "7200 seconds, WebKit 600", buf_shown(&shown, v));
}

/* Checks and stores a value of the current key, of a list one element; what is
 * wrong goes to d.  Returns 0, or -1 without memory. */
static int
set_value(struct conf *c, const struct conf_key *key, struct str v,
    struct place at)
{
	struct section *s = c->current;
	void *out = (s->kind == SECTION_TEST ? (char *)&s->test :
	    (char *)&s->values) + key->offset;
	struct str text = v;

	switch (key->kind) {
	case VALUE_SPELLED:
		return key->spelled(v, &text, c->d, at) != 0 ? 0 :
		    names_add(c, &s->lists[c->key], text, at);
	case VALUE_NAME:
		return !str_eq(v, STR("*")) && key->check(v, c->d, at) != 0 ?
		    0 : names_add(c, &s->lists[c->key], v, at);
	case VALUE_ORIGIN:
		return conf_origins_add(c, s, v, at);
	case VALUE_CHOICE:
		set_choice(c, key, v, at, out);
		return 0;
	case VALUE_STATUS:
		set_status(c, key, v, at, out);
		return 0;
	case VALUE_MAX_AGE:
		set_max_age(c, key, v, at, out);
		return 0;
	case VALUE_TEXT:
		text = arena_str(c->kept, v);
		*(struct str *)out = text;
		return text.p != NULL ? 0 : -1;
	case VALUE_REQUEST:
		return conf_test_set_request(c, s, v, at);
	case VALUE_REASON:
		break;
	}
	return conf_test_set_expect(c, s, v, at);
}

/* ---- what the lexer tells --------------------------------------------- */

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
		    "duplicate [defaults], first at line %u",
		    c->defaults->at.line);
	else
		c->defaults = s;
}

static const struct conf_key *
current_key(const struct conf *c)
{
	size_t count;

	if (c->current == NULL || c->key < 0)
		return NULL;
	return &conf_keys(c->current->kind, &count)[c->key];
}

/* Takes the elements of a list, or the one value of another key. */
static void
store(struct conf *c, const struct conf_key *key, struct str value,
    struct place at)
{
	const char *start = value.p;
	const unsigned col = at.col;
	struct str element = value;
	bool list = conf_key_is_list(key);

	while (!c->no_memory &&
	    (!list || conf_list_next(&value, &element))) {
		at.col = col + (unsigned)(element.p - start);
		c->current->elements[c->key]++;
		c->no_memory = set_value(c, key, element, at) != 0;
		if (!list)
			break;
	}
}

static void
on_key(void *ctx, struct str name, struct place at, struct str value,
    struct place value_at)
{
	struct conf *c = ctx;
	struct section *s = c->current;
	const struct conf_key *key;
	char text[512];
	struct buf hint = BUF(text);
	struct shown shown;
	bool guessed = false;

	if (s == NULL)
		return;
	c->key = conf_key_find(s->kind, name);
	if (c->key < 0) {
		guessed = true;
		c->key = conf_key_suggest(s->kind, name, &hint);
		diag_add(c->d, DIAG_ERROR, at, "key-unknown", buf_cstr(&hint),
		    "unknown key '%s'", buf_shown(&shown, name));
	}
	key = current_key(c);
	if (key == NULL)
		return;
	if (s->set[c->key] && !guessed && !s->guessed[c->key]) {
		diag_add(c->d, DIAG_ERROR, at, "key-duplicate",
		    conf_key_is_list(key) ?
		    "write one list: it may go on over indented lines" :
		    "remove one of them",
		    "key '%s' is set twice, first in line %u", key->name,
		    s->key_at[c->key].line);
	} else {
		s->set[c->key] = true;
		s->guessed[c->key] = guessed;
		s->key_at[c->key] = at;
		s->value_at[c->key] = value_at;
	}
	if (conf_key_is_list(key) || value.n > 0)
		store(c, key, value, value_at);
	else
		diag_add(c->d, DIAG_ERROR, at, "key-empty",
		    "write a value, or remove the key",
		    "key '%s' has no value", key->name);
}

static void
on_more(void *ctx, struct str text, struct place at)
{
	struct conf *c = ctx;
	const struct conf_key *key = current_key(c);

	if (key == NULL || conf_is_stopped(c, at.line))
		return;
	if (conf_key_is_list(key))
		store(c, key, text, at);
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
conf_file_changed(const struct conf *c, const struct lines *in, unsigned file)
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
	if (conf_file_changed(c, in, c->file))
		return -1;
	if (conf_compile(c) != 0)
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
