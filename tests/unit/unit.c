#include "config.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "conf/conf.h"

struct policy_set *
unit_load(const char *text, struct diag *d)
{
	char path[] = "/tmp/preflightd-unit-XXXXXX";
	int fd = mkstemp(path);
	struct policy_set *s;

	cr_assert(fd >= 0);
	cr_assert(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
	s = conf_load(path, d, NULL);
	unlink(path);
	return s;
}

struct policy_set *
unit_policy(const char *text)
{
	struct diag *d = diag_new();
	struct policy_set *s = unit_load(text, d);

	if (s == NULL)
		diag_print(d, stderr, false);
	cr_assert(s != NULL);
	diag_free(d);
	return s;
}

char *
unit_ids(struct diag *d)
{
	size_t count, n = 1;
	const struct diag_item *items = diag_items(d, &count);
	char *ids;

	for (size_t i = 0; i < count; i++)
		n += strlen(items[i].id) + 1;
	ids = calloc(1, n);
	cr_assert(ids != NULL);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			strcat(ids, " ");
		strcat(ids, items[i].id);
	}
	return ids;
}
