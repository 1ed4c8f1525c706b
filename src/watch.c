#include "config.h"

#include "watch.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	LINKS_MAX = 40,    /* symbolic links of a path, as the kernel has it */
	READS_MAX = 64,    /* in one go */
	EVENTS_SIZE = 16384,
};

/* Names in a folder that come to stand for something else, or whose file is
 * readable now and was not. */
static const uint32_t folder_events = IN_CREATE | IN_MOVED_TO | IN_MOVED_FROM |
    IN_DELETE | IN_ATTRIB | IN_CLOSE_WRITE | IN_ONLYDIR;
/* A file by itself: it may have been put where it is by a bind mount, or have
 * another name that it is written by. */
static const uint32_t file_events = IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB;

/* A name that is looked up in the folder of wd; NULL: wd is a file's own. */
struct lookup {
	int wd;
	unsigned long round; /* in which it was named last */
	char *name;
};

struct watch {
	int fd;
	struct lookup *lookups;
	size_t n, cap;
	unsigned long round;
	int gap_error;
	char gap[PATH_MAX];
};

struct watch *
watch_new(void)
{
	struct watch *w = calloc(1, sizeof *w);

	if (w == NULL)
		return NULL;
	w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->fd == -1) {
		free(w);
		return NULL;
	}
	return w;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n; i++)
		free(w->lookups[i].name);
	free(w->lookups);
	(void)close(w->fd);
	free(w);
}

int
watch_fd(const struct watch *w)
{
	return w->fd;
}

const char *
watch_gap(const struct watch *w, int *error)
{
	*error = w->gap_error;
	return w->gap_error != 0 ? w->gap : NULL;
}

/* ---- what is watched --------------------------------------------------- */

static bool
same_name(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static struct lookup *
lookup_find(const struct watch *w, int wd, const char *name)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->lookups[i].wd == wd &&
		    same_name(w->lookups[i].name, name))
			return &w->lookups[i];
	return NULL;
}

static int
lookup_note(struct watch *w, int wd, const char *name)
{
	struct lookup *l = lookup_find(w, wd, name);
	size_t cap = w->cap > 0 ? w->cap * 2 : 16;
	char *copy = NULL;

	if (l != NULL) {
		l->round = w->round;
		return 0;
	}
	if (w->n == w->cap) {
		l = reallocarray(w->lookups, cap, sizeof *l);
		if (l == NULL)
			return -1;
		w->lookups = l;
		w->cap = cap;
	}
	if (name != NULL && (copy = strdup(name)) == NULL)
		return -1;
	l = &w->lookups[w->n++];
	*l = (struct lookup){.wd = wd, .round = w->round};
	l->name = copy;
	return 0;
}

/* Watches a name in a folder, or with NULL the file at path itself. */
static void
lookup_add(struct watch *w, const char *path, const char *name)
{
	int wd = inotify_add_watch(w->fd, path,
	    name != NULL ? folder_events : file_events);

	if (wd != -1 && lookup_note(w, wd, name) == 0)
		return;
	if (w->gap_error != 0)
		return;
	w->gap_error = errno;
	(void)snprintf(w->gap, sizeof w->gap, "%s", path);
}

static bool
wd_is_used(const struct watch *w, int wd)
{
	for (size_t i = 0; i < w->n; i++)
		if (w->lookups[i].wd == wd)
			return true;
	return false;
}

static void
lookup_remove(struct watch *w, size_t i)
{
	free(w->lookups[i].name);
	w->lookups[i] = w->lookups[--w->n];
}

/* The kernel has ended a watch: its file or folder is gone. */
static void
wd_forget(struct watch *w, int wd)
{
	for (size_t i = w->n; i-- > 0;)
		if (w->lookups[i].wd == wd)
			lookup_remove(w, i);
}

void
watch_begin(struct watch *w)
{
	w->round++;
	w->gap_error = 0;
}

void
watch_end(struct watch *w)
{
	int wd;

	for (size_t i = w->n; i-- > 0;) {
		if (w->lookups[i].round == w->round)
			continue;
		wd = w->lookups[i].wd;
		lookup_remove(w, i);
		if (!wd_is_used(w, wd))
			(void)inotify_rm_watch(w->fd, wd);
	}
}

/* ---- paths ------------------------------------------------------------- */

/* A path as it is looked up: the folder come to, and the names still to go. */
struct walk {
	char at[PATH_MAX], rest[PATH_MAX];
	int links;
};

/* Puts b behind a, with a slash.  Returns 0, or -1 where it is too long. */
static int
path_join(char out[static PATH_MAX], const char *a, const char *b)
{
	int n = snprintf(out, PATH_MAX, "%s/%s", a, b);

	return n >= 0 && n < PATH_MAX ? 0 : -1;
}

/* Takes the next name of the path.  Returns false at its end. */
static bool
name_take(struct walk *k, char name[static NAME_MAX + 1])
{
	const char *p = k->rest + strspn(k->rest, "/");
	size_t n = strcspn(p, "/");

	if (n == 0 || n > NAME_MAX)
		return false;
	memcpy(name, p, n);
	name[n] = '\0';
	memmove(k->rest, p + n, strlen(p + n) + 1);
	return true;
}

/* Puts what a symbolic link says in front of the rest. */
static bool
link_follow(struct walk *k, const char *path)
{
	char target[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlink(path, target, sizeof target - 1);

	if (n <= 0 || ++k->links > LINKS_MAX)
		return false;
	target[n] = '\0';
	if (path_join(rest, target, k->rest) == -1)
		return false;
	if (target[0] == '/')
		k->at[0] = '\0';
	memcpy(k->rest, rest, strlen(rest) + 1);
	return true;
}

/* Looks up one name.  Returns whether the path goes on. */
static bool
walk_step(struct watch *w, struct walk *k, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_join(path, k->at, name) == -1)
		return false;
	if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		lookup_add(w, k->at[0] != '\0' ? k->at : "/", name);
	if (lstat(path, &st) == -1)
		return false; /* it may come */
	if (S_ISLNK(st.st_mode))
		return link_follow(k, path);
	if (S_ISREG(st.st_mode))
		lookup_add(w, path, NULL);
	if (!S_ISDIR(st.st_mode))
		return false;
	memcpy(k->at, path, strlen(path) + 1);
	return true;
}

void
watch_path(struct watch *w, const char *path)
{
	struct walk k = {.at = "."};
	char name[NAME_MAX + 1];

	if (strlen(path) >= sizeof k.rest)
		return; /* nor can it be opened */
	memcpy(k.rest, path, strlen(path) + 1);
	if (path[0] == '/')
		k.at[0] = '\0';
	while (name_take(&k, name) && walk_step(w, &k, name))
		;
}

/* ---- events ------------------------------------------------------------ */

static enum watch_news
event_take(struct watch *w, const struct inotify_event *ev)
{
	const char *name = ev->len > 0 ? ev->name : NULL;

	if (ev->mask & IN_Q_OVERFLOW)
		return WATCH_CHANGED; /* whatever it was */
	if (ev->mask & IN_IGNORED) {
		wd_forget(w, ev->wd);
		return WATCH_NOTHING;
	}
	if (ev->mask & IN_UNMOUNT)
		return wd_is_used(w, ev->wd) ? WATCH_CHANGED : WATCH_NOTHING;
	if (lookup_find(w, ev->wd, name) == NULL)
		return WATCH_NOTHING;
	return ev->mask & IN_MODIFY ? WATCH_WRITING : WATCH_CHANGED;
}

enum watch_news
watch_take(struct watch *w)
{
	_Alignas(struct inotify_event) char buf[EVENTS_SIZE];
	const struct inotify_event *ev;
	enum watch_news news = WATCH_NOTHING, got;
	ssize_t n;

	for (int i = 0; i < READS_MAX; i++) {
		n = read(w->fd, buf, sizeof buf);
		if (n <= 0)
			break;
		for (char *p = buf; p < buf + n; p += sizeof *ev + ev->len) {
			ev = (const struct inotify_event *)(void *)p;
			got = event_take(w, ev);
			if (got > news)
				news = got;
		}
	}
	return news;
}
