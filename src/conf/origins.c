#include "config.h"

#include "conf/conf_impl.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/lines.h"
#include "conf/lex.h"
#include "conf/lint.h"

/* A file that an @FILE entry named. */
struct conf_file {
	struct conf_file *next;
	dev_t dev;
	ino_t ino;
	unsigned number; /* in diag */
	bool checked;    /* its lines were reported on */
	const struct origin_list *user; /* the last that took its entries */
};

/* The section's list, or NULL without memory. */
static struct origin_list *
list_of(struct conf *c, struct section *s)
{
	struct origin_list *list = s->origins;

	if (list != NULL)
		return list;
	list = arena_alloc(&c->scratch, sizeof(*list));
	if (list == NULL)
		return NULL;
	list->set = origin_set_new();
	if (list->set == NULL || policy_set_own(c->set, list->set) != 0)
		return NULL;
	s->origins = list;
	return list;
}

/* Adds one entry; d is NULL where the findings are known already.  Returns 0,
 * or -1 without memory. */
static int
add_entry(struct conf *c, struct origin_list *list, struct str entry,
    struct place at, struct diag *d)
{
	struct place earlier;
	struct origin o;
	struct shown shown;

	if (hint_origin_parse(entry, &o, d, at) != 0) {
		list->faulty = true;
		return 0;
	}
	list->good++;
	switch (origin_set_add(list->set, &o, at, &earlier)) {
	case ORIGIN_ADDED:
		return 0;
	case ORIGIN_DUPLICATE:
		diag_add(d, DIAG_WARNING, at, "origin-duplicate",
		    "remove one of them", "origin '%s' is listed in %s:%u "
		    "already", buf_shown(&shown, entry),
		    diag_file_name(c->d, earlier.file), earlier.line);
		return 0;
	case ORIGIN_NO_MEMORY:
		break;
	}
	return -1;
}

int
conf_origins_add(struct conf *c, struct section *s, struct str entry,
    struct place at)
{
	struct origin_list *list = list_of(c, s);

	if (list == NULL)
		return -1;
	if (entry.p[0] == '@')
		return names_add(c, &list->files, str_from(entry, 1), at);
	list->has_own = true;
	return add_entry(c, list, entry, at, c->d);
}

/* ---- files ------------------------------------------------------------- */

/* The path of a file that the policy file names, or NULL without memory. */
static const char *
path_of(struct conf *c, struct str name)
{
	const char *slash = strrchr(c->beside, '/');
	size_t dir = slash == NULL ? 0 : (size_t)(slash - c->beside) + 1;
	char *path;

	if (name.n > 0 && name.p[0] == '/')
		dir = 0;
	path = arena_alloc(&c->scratch, dir + name.n + 1);
	if (path == NULL)
		return NULL;
	memcpy(path, c->beside, dir);
	if (name.n > 0)
		memcpy(path + dir, name.p, name.n);
	return path;
}

/* The file that was opened, known from before or not; NULL without memory. */
static struct conf_file *
file_of(struct conf *c, const struct lines *in, const char *path)
{
	const ino_t ino = in->stat.st_ino;
	const uint64_t hash = hash_str((struct str){(const char *)&ino,
	    sizeof(ino)}, in->stat.st_dev);
	struct conf_file **bucket = &c->files[hash % CONF_BUCKETS], *f;

	for (f = *bucket; f != NULL; f = f->next)
		if (f->dev == in->stat.st_dev && f->ino == in->stat.st_ino)
			return f;
	f = arena_alloc(&c->scratch, sizeof(*f));
	if (f == NULL)
		return NULL;
	f->dev = in->stat.st_dev;
	f->ino = in->stat.st_ino;
	f->number = diag_file(c->d, path);
	if (f->number == DIAG_NO_FILE ||
	    policy_set_file(c->set, f->number, path) != 0)
		return NULL;
	f->next = *bucket;
	*bucket = f;
	return f;
}

/* Whether the line is an entry and nothing else, as nearly all are. */
static bool
is_entry(struct str line)
{
	if (line.n == 0 || line.p[0] == '#' || line.p[0] == '@')
		return false;
	for (size_t i = 0; i < line.n; i++) {
		unsigned char c = (unsigned char)line.p[i];

		if (c <= ' ' || c == ',' || c == 0x7f)
			return false;
	}
	return true;
}

/* One line of a file.  Returns 0, or -1 without memory. */
static int
add_line(struct conf *c, struct origin_list *list, struct str raw,
    struct place at, struct diag *d)
{
	struct str text, rest, entry;

	if (is_entry(raw))
		return add_entry(c, list, raw, at, d);
	text = rest = conf_strip(raw, "#");
	if (conf_bad_byte(raw, text, d, at)) {
		list->faulty = true;
		return 0;
	}
	if (text.n == 0)
		return 0;
	at.col = (unsigned)(text.p - raw.p) + 1;
	if (!conf_list_next(&rest, &entry) || entry.n < text.n) {
		list->faulty = true;
		diag_add(d, DIAG_ERROR, at, "file-line",
		    "write one origin a line, without commas",
		    "a line of this file is one origin");
		return 0;
	}
	if (entry.p[0] == '@') {
		list->faulty = true;
		diag_add(d, DIAG_ERROR, at, "file-nested",
		    "name it in allow-origins",
		    "a file can't name another file");
		return 0;
	}
	return add_entry(c, list, entry, at, d);
}

/* Adds the entries of an open file.  What stands in one without any, which may
 * be any file of the system, is not told.  Returns 0, or -1 without memory. */
static int
add_lines(struct conf *c, struct origin_list *list, struct lines *in,
    struct conf_file *f)
{
	struct diag *d = f->checked ? NULL : c->d;
	const size_t good = list->good;
	struct place at = {f->number, 0, 1};
	struct str raw;

	f->checked = true;
	for (;;) {
		enum lines_next next = lines_next(in, &raw);

		at.line = in->number;
		if (conf_is_stopped(c, at.line))
			return -1;
		if (list->good == good && (next == LINES_END ||
		    next == LINES_ERROR))
			diag_conceal(c->d, f->number);
		if (next == LINES_END) {
			if (conf_file_changed(c, in, f->number))
				list->faulty = true;
			return 0;
		}
		if (next == LINES_ERROR) {
			list->faulty = true;
			diag_add(c->d, DIAG_ERROR, (struct place){f->number,
			    1, 1}, "file-unreadable", NULL, "can't read: %s",
			    in->why);
			return 0;
		}
		if (next == LINES_LONG)
			diag_add(d, DIAG_ERROR, at, "line-too-long",
			    "write one origin a line",
			    "a line of over %d bytes", LINE_BYTES_MAX);
		else if (add_line(c, list, raw, at, d) != 0)
			return -1;
	}
}

/* Opens the file of an entry.  Returns 1 with the file in *out, 0 with an
 * error where it can't be used, -1 without memory. */
static int
open_file(struct conf *c, const struct field_item *item, struct lines *in,
    struct conf_file **out)
{
	const char *path, *why;
	struct shown shown;

	if (item->name.n == 0) {
		diag_add(c->d, DIAG_ERROR, item->at, "file-name",
		    "write '@' and the name of a file, without white space or "
		    "comma", "'@' without a file's name");
		return 0;
	}
	path = path_of(c, item->name);
	if (path == NULL)
		return -1;
	if (conf_open(c, in, path, &why) != 0) {
		diag_add(c->d, DIAG_ERROR, item->at, "file-unusable",
		    conf_open_hint("name a regular file, relative to this one"),
		    "can't use the file '%s': %s",
		    buf_shown(&shown, str_of(path)), why);
		return 0;
	}
	*out = file_of(c, in, path);
	if (*out != NULL)
		return 1;
	lines_close(in);
	return -1;
}

/* Adds the entries of the file that an entry names.  Returns 0, or -1 without
 * memory. */
static int
load_file(struct conf *c, struct origin_list *list,
    const struct field_item *item)
{
	/* A guess; the set grows for more. */
	const long long bytes_per_line = 48;
	struct conf_file *f;
	struct shown shown;
	struct lines in;
	int ret = open_file(c, item, &in, &f);

	if (ret != 1) {
		list->faulty = true;
		return ret;
	}
	if (f->user == list) {
		diag_add(c->d, DIAG_WARNING, item->at, "origin-duplicate",
		    "remove one of them", "file '%s' is in this list already",
		    buf_shown(&shown, item->name));
		ret = 0;
	} else {
		f->user = list;
		origin_set_reserve(list->set,
		    (size_t)(in.stat.st_size / bytes_per_line));
		ret = add_lines(c, list, &in, f);
	}
	lines_close(&in);
	return ret;
}

/* ---- lists ------------------------------------------------------------- */

static bool
same_files(const struct origin_list *a, const struct origin_list *b)
{
	if (a->files.count != b->files.count)
		return false;
	for (size_t i = 0; i < a->files.count; i++)
		if (!str_eq(a->files.items[i].name, b->files.items[i].name))
			return false;
	return true;
}

/* The list of an earlier section that names just the same files; or this one,
 * kept for the sections to come. */
static struct origin_list *
find_same(struct conf *c, struct origin_list *list)
{
	struct origin_list **bucket, *same;
	uint64_t hash = 0;

	if (list->has_own)
		return list;
	for (size_t i = 0; i < list->files.count; i++)
		hash = hash_str(list->files.items[i].name, hash);
	bucket = &c->lists[hash % CONF_BUCKETS];
	for (same = *bucket; same != NULL; same = same->next)
		if (same_files(same, list))
			return same;
	list->next = *bucket;
	*bucket = list;
	return list;
}

int
conf_origins_load(struct conf *c, struct section *s)
{
	struct origin_list *list = s->origins;

	if (list == NULL)
		return 0;
	s->origins = find_same(c, list);
	if (s->origins != list)
		return 0;
	for (size_t i = 0; i < list->files.count; i++)
		if (load_file(c, list, &list->files.items[i]) != 0)
			return -1;
	list->risky = lint_origins(list->set, c->d);
	return 0;
}
