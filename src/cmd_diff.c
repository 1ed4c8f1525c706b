#include "config.h"

#include "cmd.h"

#include <getopt.h>
#include <stdio.h>

#include "conf.h"
#include "diff.h"
#include "diff_print.h"

static const char usage[] =
    "usage: preflightd diff [--json] [--all] OLD NEW\n";

static void
print_help(void)
{
	fputs(usage, stdout);
	fputs("\n"
	    "Prints what the policy file NEW grants (+) and takes away (-) "
	    "that\n"
	    "OLD did not: by meaning, so that order, spelling, defaults and\n"
	    "files of origins make no difference.  '~' is a changed value or\n"
	    "another policy for a host and path, '=' what stays allowed by\n"
	    "something else.\n"
	    "\n"
	    "      --all   print every change, however many of a kind\n"
	    "      --json  print everything as JSON\n"
	    "  -h, --help  print this\n"
	    "\n"
	    "Exit status: 0 both mean the same, 1 they differ, 2 a policy "
	    "can't\n"
	    "be used or the usage is wrong, 3 a system call failed.\n", stdout);
}

/* Loads a policy file; what is wrong with it goes to standard error.  Returns
 * NULL with the exit status in *status. */
static struct policy_set *
load(const char *path, int *status)
{
	struct diag *d = diag_new();
	struct policy_set *set = NULL;

	if (d == NULL) {
		perror("preflightd diff");
		*status = STATUS_SYSTEM;
		return NULL;
	}
	set = conf_load(path, d, NULL);
	if (set == NULL) {
		diag_print(d, stderr);
		*status = STATUS_USAGE;
	}
	diag_free(d);
	return set;
}

/* Compares and prints; the paths are in r.  Returns an exit status. */
static int
run(struct diff_report *r, bool json)
{
	struct policy_set *before, *after;
	struct diff d = {.count = 0};
	int status = STATUS_GOOD, printed = 0;

	/* Both are loaded, so that the errors of both are told. */
	before = load(r->before_path, &status);
	after = load(r->after_path, &status);
	if (before == NULL || after == NULL)
		goto out;
	status = STATUS_SYSTEM;
	if (diff_policies(&d, before, after) != 0)
		goto out;
	r->before = before;
	r->after = after;
	r->diff = &d;
	if (json)
		printed = diff_print_json(r, stdout);
	else
		diff_print_text(r, stdout);
	if (printed == 0 && fflush(stdout) == 0 && !ferror(stdout))
		status = d.count == 0 ? STATUS_GOOD : STATUS_NO;
out:
	if (status == STATUS_SYSTEM)
		perror("preflightd diff");
	r->diff = NULL;
	diff_clear(&d);
	policy_set_free(before);
	policy_set_free(after);
	return status;
}

int
cmd_diff(int argc, char **argv)
{
	enum { OPT_JSON = 256, OPT_ALL };
	static const struct option options[] = {
		{"json", no_argument, NULL, OPT_JSON},
		{"all", no_argument, NULL, OPT_ALL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	struct diff_report r = {.all = false};
	bool json = false;
	int opt;

	while ((opt = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (opt) {
		case OPT_JSON:
			json = true;
			break;
		case OPT_ALL:
			r.all = true;
			break;
		case 'h':
			print_help();
			return STATUS_GOOD;
		default:
			fputs(usage, stderr);
			return STATUS_USAGE;
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		return STATUS_USAGE;
	}
	r.before_path = argv[optind];
	r.after_path = argv[optind + 1];
	return run(&r, json);
}
