#include "config.h"

#include "cmd/cmd.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/color.h"
#include "base/error.h"
#include "base/parse.h"
#include "conf/conf.h"

int
cmd_system_error(const char *command)
{
	fprintf(stderr, "preflightd %s: %s\n", command, strerror(errno));
	return STATUS_SYSTEM;
}

/* ---- help -------------------------------------------------------------- */

enum { HELP_WIDTH = 79, HELP_INDENT = 28 };

/* Prints a paragraph whose first line has begun at this column. */
static void
print_words(const char *text, size_t indent)
{
	size_t column = indent;

	while (*text != '\0') {
		size_t n = strcspn(text, " ");

		if (column > indent && column + 1 + n > HELP_WIDTH) {
			printf("\n%*s", (int)indent, "");
			column = indent;
		} else if (column > indent) {
			putchar(' ');
			column++;
		}
		fwrite(text, 1, n, stdout);
		column += n;
		text += n + strspn(text + n, " ");
	}
	putchar('\n');
}

static void
print_option(const struct cmd_option *o)
{
	const char letter[] = {'-', o->letter, ',', '\0'};
	int n = printf("  %3s --%s%s%s", o->letter != 0 ? letter : "", o->name,
	    o->value != NULL ? " " : "", o->value != NULL ? o->value : "");

	if (n > HELP_INDENT - 2) {
		putchar('\n');
		n = 0;
	}
	printf("%*s", HELP_INDENT - n, "");
	print_words(o->help, HELP_INDENT);
}

static void
print_help(const struct cmd_syntax *s)
{
	static const struct cmd_option help = {.letter = 'h',
	    .name = "help", .help = "print this text"};

	printf("usage: %s\n\n", s->usage);
	print_words(s->about, 0);
	putchar('\n');
	if (s->print_more != NULL)
		s->print_more();
	for (size_t i = 0; s->options[i].name != NULL; i++)
		print_option(&s->options[i]);
	print_option(&help);
	putchar('\n');
	print_words(s->end, 0);
}

/* ---- options ----------------------------------------------------------- */

static int
list_add(struct cmd_list *list, const char *value)
{
	const char **items = reallocarray(list->items, list->n + 1,
	    sizeof(*items));

	if (items == NULL)
		return -1;
	items[list->n++] = value;
	list->items = items;
	return 0;
}

/* Returns an exit status. */
static int
take_option(const char *command, const struct cmd_option *o, const char *value)
{
	char what[40], hint[64];

	snprintf(what, sizeof(what), "invalid --%s", o->name);
	if (o->check != NULL && o->check(command, value, o->ctx) != 0)
		return STATUS_USAGE;
	if (o->number != NULL &&
	    number_parse(value, o->min, o->max, o->number) != 0) {
		snprintf(hint, sizeof(hint), "write a number from %lu to %lu",
		    o->min, o->max);
		(void)fail_usage(command, what, str_of(value), hint);
		return STATUS_USAGE;
	}
	if (o->seconds != NULL &&
	    seconds_parse(value, o->min, o->max, o->seconds) != 0) {
		(void)fail_usage(command, what, str_of(value),
		    "write seconds, as 30 or 30s, or minutes, as 5m");
		return STATUS_USAGE;
	}
	if (o->flag != NULL)
		*o->flag = true;
	if (o->text != NULL)
		*o->text = value;
	if (o->list != NULL && list_add(o->list, value) != 0)
		return cmd_system_error(command);
	return STATUS_GOOD;
}

bool
cmd_parse(int argc, char **argv, const struct cmd_syntax *s, int *status)
{
	enum { MAX = 32, FIRST = 256 };
	struct option names[MAX] = {{NULL, 0, NULL, 0}};
	char letters[2 * MAX + 2] = "h";
	const struct cmd_option *o;
	size_t n = 0, nletters = 1;
	int c;

	for (o = s->options; o->name != NULL; o++, n++) {
		assert(n < MAX - 2);
		names[n] = (struct option){o->name, o->value != NULL ?
		    required_argument : no_argument, NULL, FIRST + (int)n};
		if (o->letter != 0) {
			letters[nletters++] = o->letter;
			if (o->value != NULL)
				letters[nletters++] = ':';
		}
	}
	names[n] = (struct option){"help", no_argument, NULL, 'h'};
	while ((c = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		if (c == 'h') {
			print_help(s);
			*status = STATUS_GOOD;
			return false;
		}
		if (c == '?') { /* getopt_long has said what is wrong */
			fprintf(stderr, "  preflightd %s --help shows the "
			    "options\n", s->command);
			*status = STATUS_USAGE;
			return false;
		}
		o = s->options;
		if (c >= FIRST)
			o += c - FIRST;
		else
			while (o->letter != c)
				o++;
		*status = take_option(s->command, o, optarg);
		if (*status != STATUS_GOOD)
			return false;
	}
	return true;
}

int
cmd_check_cacert(const char *command, const char *value, void *ctx)
{
	(void)ctx;

	if (access(value, R_OK) == 0)
		return 0;
	return fail_usage(command, "cannot read the certificates",
	    str_of(value), strerror(errno));
}

/* HOST:PORT:ADDRESS, each with something in it. */
int
cmd_check_resolve(const char *command, const char *value, void *ctx)
{
	const char *port = strchr(value, ':');
	const char *address = port != NULL ? strchr(port + 1, ':') : NULL;
	char digits[8];
	unsigned long number;

	(void)ctx;
	if (port != NULL && port != value && address != NULL &&
	    address[1] != '\0' && snprintf(digits, sizeof(digits), "%.*s",
	    (int)(address - port - 1), port + 1) < (int)sizeof(digits) &&
	    number_parse(digits, 1, 65535, &number) == 0)
		return 0;
	return fail_usage(command, "invalid --resolve", str_of(value),
	    "write --resolve api.example.com:443:127.0.0.1");
}

/* ---- the policy file --------------------------------------------------- */

static const char installed[] = SYSCONFDIR "/preflightd/policy.ini";

const char *
cmd_policy_path(const char *option)
{
	const char *from_environment = getenv("PREFLIGHTD_POLICY");

	if (option != NULL)
		return option;
	return from_environment != NULL && from_environment[0] != '\0' ?
	    from_environment : installed;
}

const char *
cmd_policy_path_if_any(const char *option)
{
	const char *path = cmd_policy_path(option);

	return path != installed || access(installed, F_OK) == 0 ? path : NULL;
}

struct policy_set *
cmd_load(const char *command, const char *path, bool stream, int *status)
{
	struct diag *d = diag_new();
	struct policy_set *set = NULL;

	if (d == NULL) {
		*status = cmd_system_error(command);
		return NULL;
	}
	set = stream ? conf_load_stream(path, d, NULL) :
	    conf_load(path, d, NULL);
	if (set == NULL) {
		diag_print(d, stderr, color_wanted(stderr));
		*status = STATUS_USAGE;
	}
	diag_free(d);
	return set;
}
