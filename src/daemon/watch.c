#include "config.h"

#include "daemon/watch.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/arena.h"

struct file {
	char *path;
	int error; /* of stat; 0: st holds */
	struct stat st;
};

struct watch {
	struct file *files;
	size_t n, cap;
	bool gap; /* without memory for a path: it may change at any time */
};

struct watch *
watch_new(void)
{
	return calloc(1, sizeof(struct watch));
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	watch_begin(w);
	free(w->files);
	free(w);
}

void
watch_begin(struct watch *w)
{
	while (w->n > 0)
		free(w->files[--w->n].path);
	w->gap = false;
}

static void
look(struct file *f)
{
	/* What is compared has a value where there is no file too. */
	memset(&f->st, 0, sizeof f->st);
	f->error = stat(f->path, &f->st) == 0 ? 0 : errno;
}

static bool
is_same(const struct file *a, const struct file *b)
{
	return a->error == b->error && a->st.st_dev == b->st.st_dev &&
	    a->st.st_ino == b->st.st_ino && a->st.st_size == b->st.st_size &&
	    a->st.st_mtim.tv_sec == b->st.st_mtim.tv_sec &&
	    a->st.st_mtim.tv_nsec == b->st.st_mtim.tv_nsec &&
	    a->st.st_ctim.tv_sec == b->st.st_ctim.tv_sec &&
	    a->st.st_ctim.tv_nsec == b->st.st_ctim.tv_nsec;
}

void
watch_path(struct watch *w, const char *path)
{
	struct file *files = array_grow(w->files, w->n, &w->cap, sizeof *files);

	if (files != NULL)
		w->files = files;
	if (files == NULL || (files[w->n].path = strdup(path)) == NULL)
		w->gap = true;
	else
		look(&w->files[w->n++]);
}

size_t
watch_changed(struct watch *w)
{
	struct file before;
	size_t changed = w->gap ? 1 : 0;

	for (size_t i = 0; i < w->n; i++) {
		before = w->files[i];
		look(&w->files[i]);
		if (!is_same(&before, &w->files[i]))
			changed++;
	}
	return changed;
}
