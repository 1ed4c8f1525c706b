#include "config.h"

#include "base/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/color.h"
#include "base/escape.h"

/* A list of a million origins may have a finding on each of its lines; this
 * many of a level are kept, the rest is counted. */
enum { KEPT_MAX = 20000 };

struct entry {
	struct diag_item item;
	size_t number; /* makes the sort stable */
};

struct diag {
	struct arena text;
	struct entry *entries;
	struct diag_item *sorted;
	size_t count, cap;
	size_t found[2]; /* by level; all, kept or not */
	size_t kept[2];
	const char **files;
	unsigned nfiles;
	bool no_memory; /* a finding or a file's name is lost */
};

struct diag *
diag_new(void)
{
	return calloc(1, sizeof(struct diag));
}

void
diag_free(struct diag *d)
{
	if (d == NULL)
		return;
	arena_clear(&d->text);
	free(d->entries);
	free(d->sorted);
	free(d->files);
	free(d);
}

unsigned
diag_file(struct diag *d, const char *name)
{
	const char **files;
	struct str copy;

	files = reallocarray(d->files, (size_t)d->nfiles + 1, sizeof(*files));
	if (files == NULL)
		goto lost;
	d->files = files;
	copy = arena_str(&d->text, str_of(name));
	if (copy.p == NULL)
		goto lost;
	files[d->nfiles] = copy.p;
	return d->nfiles++;
lost:
	d->no_memory = true;
	d->found[DIAG_ERROR]++;
	return DIAG_NO_FILE;
}

const char *
diag_file_name(const struct diag *d, unsigned file)
{
	return file < d->nfiles ? d->files[file] : "?";
}

/* The formatted text in the arena, or NULL. */
static const char * __attribute__((format(printf, 2, 0)))
format(struct diag *d, const char *fmt, va_list ap)
{
	va_list again;
	char *text = NULL;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	if (n >= 0)
		text = arena_alloc(&d->text, (size_t)n + 1);
	if (text != NULL)
		(void)vsnprintf(text, (size_t)n + 1, fmt, ap);
	return text;
}

void
diag_add(struct diag *d, enum diag_level level, struct place at,
    const char *id, const char *hint, const char *fmt, ...)
{
	struct entry *entries;
	const char *text;
	struct str copy;
	va_list ap;

	if (d == NULL)
		return;
	d->found[level]++;
	if (d->kept[level] == KEPT_MAX)
		return;
	va_start(ap, fmt);
	text = format(d, fmt, ap);
	va_end(ap);
	copy = arena_str(&d->text, str_of(hint != NULL ? hint : ""));
	entries = array_grow(d->entries, d->count, &d->cap, sizeof(*entries));
	if (entries != NULL)
		d->entries = entries;
	if (text == NULL || copy.p == NULL || entries == NULL) {
		/* Unknown trouble is no reason to accept a policy. */
		d->no_memory = true;
		if (level != DIAG_ERROR)
			d->found[DIAG_ERROR]++;
		return;
	}
	d->kept[level]++;
	d->entries[d->count] = (struct entry){
	    {level, at, id, text, copy.p}, d->count};
	d->count++;
}

void
diag_conceal(struct diag *d, unsigned file)
{
	for (size_t i = 0; i < d->count; i++) {
		struct diag_item *item = &d->entries[i].item;

		/* Findings on a file as a whole quote none of it. */
		if (item->at.file != file ||
		    strncmp(item->id, "file-", strlen("file-")) == 0)
			continue;
		item->at.col = 1;
		item->text = "this line is invalid, and not quoted here";
		item->hint = "see whether this is the right file: no line of "
		    "it is valid";
	}
}

void
diag_promote(struct diag *d)
{
	for (size_t i = 0; i < d->count; i++)
		d->entries[i].item.level = DIAG_ERROR;
	d->found[DIAG_ERROR] += d->found[DIAG_WARNING];
	d->found[DIAG_WARNING] = 0;
}

size_t
diag_errors(const struct diag *d)
{
	return d->found[DIAG_ERROR];
}

size_t
diag_warnings(const struct diag *d)
{
	return d->found[DIAG_WARNING];
}

static int
compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;

	if (a->item.at.file != b->item.at.file)
		return a->item.at.file < b->item.at.file ? -1 : 1;
	if (a->item.at.line != b->item.at.line)
		return a->item.at.line < b->item.at.line ? -1 : 1;
	if (a->item.at.col != b->item.at.col)
		return a->item.at.col < b->item.at.col ? -1 : 1;
	return (a->number > b->number) - (a->number < b->number);
}

const struct diag_item *
diag_items(struct diag *d, size_t *count)
{
	struct diag_item *sorted;

	*count = 0;
	if (d->count == 0)
		return NULL;
	sorted = reallocarray(d->sorted, d->count, sizeof(*sorted));
	if (sorted == NULL) {
		d->no_memory = true;
		d->found[DIAG_ERROR]++;
		return NULL;
	}
	d->sorted = sorted;
	qsort(d->entries, d->count, sizeof(*d->entries), compare);
	for (size_t i = 0; i < d->count; i++)
		sorted[i] = d->entries[i].item;
	*count = d->count;
	return sorted;
}

static void
print_item(const struct diag *d, const struct diag_item *item, FILE *to,
    bool colour)
{
	bool error = item->level == DIAG_ERROR;

	fputs(color(colour, COLOR_BOLD), to);
	escape_controls(to, str_of(diag_file_name(d, item->at.file)));
	fprintf(to, ":%u:%u:%s %s%s:%s %s%s%s [%s]\n", item->at.line,
	    item->at.col, color(colour, COLOR_OFF),
	    color(colour, error ? COLOR_ERROR : COLOR_WARNING),
	    error ? "error" : "warning", color(colour, COLOR_OFF),
	    color(colour, COLOR_BOLD), item->text, color(colour, COLOR_OFF),
	    item->id);
	if (item->hint[0] != '\0')
		fprintf(to, "  %s\n", item->hint);
}

void
diag_print(struct diag *d, FILE *to, bool colour)
{
	size_t count, all;
	const struct diag_item *items = diag_items(d, &count);

	for (size_t i = 0; i < count; i++)
		print_item(d, &items[i], to, colour);
	all = d->found[DIAG_ERROR] + d->found[DIAG_WARNING];
	if (count < all)
		fprintf(to, "%zu more findings are left out here\n",
		    all - count);
	if (d->no_memory)
		fputs("out of memory\n", to);
}
