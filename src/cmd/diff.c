#include "config.h"

#include "cmd/cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "diff/diff.h"

struct comparison {
	struct diff_report report;
	bool json;
};

/* Loads both files, so that the errors of both are told, and prints what
 * differs.  Returns an exit status. */
static int
compare(struct comparison *c)
{
	struct diff_report *r = &c->report;
	struct diff d = {.count = 0};
	int status = STATUS_GOOD, printed;
	struct policy_set *before = cmd_load("diff", r->before_path, true,
	    &status);
	struct policy_set *after = cmd_load("diff", r->after_path, true,
	    &status);

	if (before == NULL || after == NULL)
		goto out;
	r->before = before;
	r->after = after;
	r->diff = &d;
	printed = diff_policies(&d, before, after);
	if (printed == 0 && c->json)
		printed = diff_print_json(r, stdout);
	else if (printed == 0)
		diff_print_text(r, stdout);
	if (printed != 0 || fflush(stdout) != 0 || ferror(stdout))
		status = cmd_system_error("diff");
	else
		status = d.count == 0 ? STATUS_GOOD : STATUS_NO;
	diff_clear(&d);
out:
	policy_set_free(before);
	policy_set_free(after);
	return status;
}

int
cmd_diff(int argc, char **argv)
{
	struct comparison c = {.json = false};
	const struct cmd_option options[] = {
		{0, "all", NULL, "print every change, however many of a kind",
		    .flag = &c.report.all},
		{0, "json", NULL, "print everything as JSON", .flag = &c.json},
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"diff", "preflightd diff [--json] [--all] OLD NEW",
		"Prints what the policy file NEW grants (+) and takes away (-) "
		"that OLD did not: by meaning, so that order, spelling, "
		"defaults and files of origins make no difference. '~' is a "
		"changed value or another policy for a host and path, '=' what "
		"stays allowed by something else. One of them may be -, for "
		"standard input.", NULL,
		"Exit status: 0 both mean the same, 1 they differ, 2 a policy "
		"can't be used or the usage is wrong, 3 a system call failed.",
		options,
	};
	int status;

	if (!cmd_parse(argc, argv, &syntax, &status))
		return status;
	if (argc - optind != 2) {
		(void)fail_usage("diff", argc - optind < 2 ? "two policy files "
		    "are compared" : "two policy files are compared; "
		    "unexpected", argc - optind < 2 ? NO_TEXT :
		    str_of(argv[optind + 2]), "write preflightd diff OLD NEW");
		return STATUS_USAGE;
	}
	c.report.before_path = argv[optind];
	c.report.after_path = argv[optind + 1];
	if (strcmp(c.report.before_path, "-") == 0 &&
	    strcmp(c.report.after_path, "-") == 0) {
		(void)fail_usage("diff", "standard input can't be both",
		    NO_TEXT, "write the name of a file in place of one '-'");
		return STATUS_USAGE;
	}
	return compare(&c);
}
