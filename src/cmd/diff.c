#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "diff/diff.h"

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
	    "One of them may be -, for standard input.\n"
	    "\n"
	    "      --all   print every change, however many of a kind\n"
	    "      --json  print everything as JSON\n"
	    "  -h, --help  print this\n"
	    "\n"
	    "Exit status: 0 both mean the same, 1 they differ, 2 a policy "
	    "can't\n"
	    "be used or the usage is wrong, 3 a system call failed.\n", stdout);
}

struct asking {
	struct diff_report report;
	bool json;
};

/* Compares and prints the policies of the report.  Returns an exit status. */
static int
compare(struct asking *a)
{
	struct diff_report *r = &a->report;
	struct diff d = {.count = 0};
	int status = STATUS_SYSTEM, printed = 0;

	if (diff_policies(&d, r->before, r->after) != 0)
		goto out;
	r->diff = &d;
	if (a->json)
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
	return status;
}

/* Both files are loaded, so that the errors of both are told. */
static int
load_and_compare(struct asking *a)
{
	int status = STATUS_GOOD;
	struct policy_set *before = cmd_load_stream("diff",
	    a->report.before_path, &status);
	struct policy_set *after = cmd_load_stream("diff",
	    a->report.after_path, &status);

	if (before != NULL && after != NULL) {
		a->report.before = before;
		a->report.after = after;
		status = compare(a);
	}
	policy_set_free(before);
	policy_set_free(after);
	return status;
}

enum { OPT_JSON = 256, OPT_ALL };

static int
take_option(void *ctx, int option, const char *value)
{
	struct asking *a = ctx;

	(void)value;
	if (option == OPT_JSON)
		a->json = true;
	else
		a->report.all = true;
	return 0;
}

int
cmd_diff(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, OPT_JSON},
		{"all", no_argument, NULL, OPT_ALL},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	static const struct cmd_syntax syntax = {usage, "h", options,
	    print_help, take_option};
	struct asking a = {.json = false};
	int status;

	if (!cmd_parse(argc, argv, &syntax, &a, &status))
		return status;
	if (argc - optind != 2) {
		(void)fail_usage("diff", argc - optind < 2 ? "two policy files "
		    "are compared" : "two policy files are compared; "
		    "unexpected", argc - optind < 2 ? NO_TEXT :
		    str_of(argv[optind + 2]), "write preflightd diff OLD NEW");
		return STATUS_USAGE;
	}
	a.report.before_path = argv[optind];
	a.report.after_path = argv[optind + 1];
	if (strcmp(a.report.before_path, "-") == 0 &&
	    strcmp(a.report.after_path, "-") == 0) {
		(void)fail_usage("diff", "standard input can't be both",
		    NO_TEXT, "write the name of a file in place of one '-'");
		return STATUS_USAGE;
	}
	return load_and_compare(&a);
}
