#include "config.h"

#include "files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

enum { FILES_MAX = 4 };

static char folder[] = "/tmp/preflightd-fuzz-XXXXXX";
static const char *names[FILES_MAX];
static char path[128];

static const char *
path_of(const char *name)
{
	snprintf(path, sizeof path, "%s/%s", folder, name);
	return path;
}

static void
folder_remove(void)
{
	for (size_t i = 0; i < FILES_MAX && names[i] != NULL; i++)
		(void)unlink(path_of(names[i]));
	(void)rmdir(folder);
}

static void
remember(const char *name)
{
	size_t i = 0;

	if (names[0] == NULL)
		HOLDS(mkdtemp(folder) != NULL && atexit(folder_remove) == 0);
	while (i < FILES_MAX && names[i] != NULL && strcmp(names[i], name) != 0)
		i++;
	HOLDS(i < FILES_MAX);
	names[i] = name;
}

const char *
fuzz_file(const char *name, struct str text)
{
	int fd;

	remember(name);
	fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    0600);
	HOLDS(fd != -1 && write(fd, text.p, text.n) == (ssize_t)text.n);
	HOLDS(close(fd) == 0);
	return path;
}

struct policy_set *
fuzz_policies(struct str text)
{
	struct diag *d = diag_new();
	struct policy_set *s;

	HOLDS(d != NULL);
	s = conf_load(fuzz_file("policy.ini", text), d, NULL);
	diag_free(d);
	return s;
}
