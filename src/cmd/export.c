#include "config.h"

#include "cmd/cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/color.h"
#include "base/error.h"
#include "base/outfile.h"
#include "conf/conf.h"
#include "export/export.h"
#include "export/marker.h"

#define DEFAULT_SOCKET "unix:/run/preflightd/preflightd.sock"
#define DEFAULT_SCRIPT "/etc/lighttpd/preflightd.lua"

struct arguments {
	const char *server, *policy, *part, *output, *check;
	struct export_options options;
	bool open;       /* --open was given */
};

static int
wrong(const char *what, const char *word, const char *hint)
{
	return fail_usage("export", what, str_of(word), hint);
}

/* ---- writing ----------------------------------------------------------- */

/* Writes the text to the file, or to standard output.  Returns an exit
 * status. */
static int
write_out(const char *file, const char *text, size_t n)
{
	int error;

	if (file == NULL)
		return fwrite(text, 1, n, stdout) == n && fflush(stdout) == 0 ?
		    STATUS_GOOD : cmd_system_error("export");
	if (file_write_whole(file, text, n) == 0)
		return STATUS_GOOD;
	error = errno;
	fprintf(stderr, "preflightd export: %s: %s\n", file, strerror(error));
	if (error == EACCES || error == EROFS)
		fputs("  a new file takes its place: it and its folder must be "
		    "writable\n", stderr);
	return STATUS_SYSTEM;
}

/* Exports the policies that were loaded with d.  Nothing is written where the
 * server can't express them. */
static int
run_export(const struct arguments *a, const struct export_server *server,
    const struct policy_set *set, struct diag *d)
{
	char *text = NULL;
	size_t n = 0, before = diag_errors(d);
	FILE *to = open_memstream(&text, &n);
	int status = STATUS_SYSTEM, written;

	if (to == NULL)
		return cmd_system_error("export");
	written = export_write(server, a->part, set, &a->options, d, to);
	if (export_stream_close(to, &text) == 0 && written == 0)
		status = write_out(a->output, text, n);
	else if (diag_errors(d) > before)
		status = STATUS_NO;
	else
		status = cmd_system_error("export");
	if (status == STATUS_NO)
		diag_print(d, stderr, color_wanted(stderr));
	free(text);
	return status;
}

/* ---- checking ---------------------------------------------------------- */

static int
run_check(const char *file, const struct policy_set *set)
{
	struct export_marks marks;
	bool colour = color_wanted(stderr);
	const char *why;

	if (export_mark_check(file, policy_set_digest(set), stderr, colour,
	        &marks, &why) != 0) {
		fprintf(stderr, "preflightd export: %s: %s\n", file, why);
		return STATUS_SYSTEM;
	}
	if (marks.found == 0)
		fprintf(stderr, "%s%s:%s %serror:%s it has nothing that "
		    "preflightd exported\n  paste or include what preflightd "
		    "export prints, comments too\n",
		    color(colour, COLOR_BOLD), file, color(colour, COLOR_OFF),
		    color(colour, COLOR_ERROR), color(colour, COLOR_OFF));
	printf("%s: %zu of %zu part%s as the policy says\n", file, marks.good,
	    marks.found, marks.found == 1 ? "" : "s");
	if (fflush(stdout) != 0)
		return cmd_system_error("export");
	return marks.found > 0 && marks.good == marks.found ? STATUS_GOOD :
	    STATUS_NO;
}

/* ---- the command ------------------------------------------------------- */

/* Loads the policy and does what the arguments say. */
static int
run(const struct arguments *a, const struct export_server *server)
{
	struct diag *d = diag_new();
	struct policy_set *set = NULL;
	int status;

	if (d == NULL)
		return cmd_system_error("export");
	set = conf_load(cmd_policy_path(a->policy), d, NULL);
	if (set == NULL) {
		diag_print(d, stderr, color_wanted(stderr));
		status = STATUS_USAGE;
	} else if (a->check != NULL) {
		status = run_check(a->check, set);
	} else {
		status = run_export(a, server, set, d);
	}
	policy_set_free(set);
	diag_free(d);
	return status;
}

static bool
has_part(const struct export_server *server, const char *name)
{
	for (size_t i = 0; server->parts[i].name != NULL; i++)
		if (strcmp(server->parts[i].name, name) == 0)
			return true;
	return false;
}

/* Whether the arguments go together.  Returns 0, or -1 after a message. */
static int
check_arguments(const struct arguments *a,
    const struct export_server **server)
{
	if (a->server == NULL && a->check == NULL)
		return fail_usage("export", "missing server", NO_TEXT,
		    "write nginx, lighttpd, apache, haproxy or caddy");
	if (a->check != NULL && a->server != NULL)
		return wrong("unexpected argument", a->server,
		    "--check takes the configuration alone, of any server");
	if (a->check != NULL && (a->part != NULL || a->output != NULL))
		return wrong("--check excludes",
		    a->part != NULL ? "--part" : "--output", "leave it out");
	if (a->check != NULL)
		return 0;
	*server = export_server_named(str_of(a->server));
	if (*server == NULL)
		return wrong("unknown server", a->server,
		    "write nginx, lighttpd, apache, haproxy or caddy");
	if (a->part != NULL && !has_part(*server, a->part))
		return wrong("unknown part", a->part,
		    "preflightd export --help lists those of each server");
	if (a->options.ask && !(*server)->can_ask)
		return wrong("no --actual ask with", a->server,
		    (*server)->no_ask);
	if ((a->open || a->options.closed) && !a->options.ask)
		return wrong("only --actual ask has",
		    a->open ? "--open" : "--closed",
		    "leave it out, or add --actual ask");
	if (a->options.ask && !a->options.closed && (*server)->no_open != NULL)
		return wrong("no --open with", a->server, (*server)->no_open);
	if (a->open && a->options.closed)
		return wrong("--open excludes", "--closed", "leave one out");
	return 0;
}

static int
take_actual(const char *command, const char *value, void *ctx)
{
	struct arguments *a = ctx;

	(void)command;
	a->options.ask = strcmp(value, "ask") == 0;
	if (!a->options.ask && strcmp(value, "static") != 0)
		return wrong("invalid --actual", value, "write static or ask");
	return 0;
}

static int
take_socket(const char *command, const char *value, void *ctx)
{
	struct arguments *a = ctx;

	(void)command;
	if (export_socket_parse(value, &a->options.socket) == 0)
		return 0;
	return wrong("invalid --socket", value, "write unix:PATH, HOST:PORT or "
	    "[IPv6]:PORT, of letters, digits and -._/+@");
}

static int
take_script(const char *command, const char *value, void *ctx)
{
	struct arguments *a = ctx;

	(void)command;
	if (export_path_parse(value, &a->options.script) == 0)
		return 0;
	return wrong("invalid --script", value, "write an absolute path, of "
	    "letters, digits and -._/+@");
}

static void
print_servers(void)
{
	const struct export_server *server;

	for (size_t i = 0; (server = export_server_get(i)) != NULL; i++) {
		printf("  %-9s parts", server->name);
		for (size_t k = 0; server->parts[k].name != NULL; k++)
			printf("%s %s", k > 0 ? "," : "",
			    server->parts[k].name);
		putchar('\n');
	}
	putchar('\n');
}

int
cmd_export(int argc, char **argv)
{
	struct arguments a = {.server = NULL};
	const struct cmd_option options[] = {
		POLICY_CMD_OPTION(&a.policy),
		{0, "part", "NAME", "print this part alone, for a file of its "
		    "own to include", .text = &a.part},
		{0, "socket", "ADDRESS", "where preflightd listens: unix:PATH, "
		    "HOST:PORT or [IPv6]:PORT (" DEFAULT_SOCKET ")",
		    take_socket, &a, .text = NULL},
		{0, "script", "FILE", "lighttpd: where its script is installed "
		    "(" DEFAULT_SCRIPT ")", take_script, &a, .text = NULL},
		{0, "actual", "static|ask", "write the policy into the "
		    "configuration, or ask preflightd for every actual request "
		    "(static)", take_actual, &a, .text = NULL},
		{0, "open", NULL, "with --actual ask, while preflightd is "
		    "down: answer without CORS fields (the default)",
		    .flag = &a.open},
		{0, "closed", NULL, "likewise: answer with an error",
		    .flag = &a.options.closed},
		{'o', "output", "FILE", "write to a file", .text = &a.output},
		{0, "check", "FILE", "say whether the parts in a configuration "
		    "are still those of the policy", .text = &a.check},
		{.name = NULL},
	};
	const struct cmd_syntax syntax = {
		"export", "preflightd export [options] SERVER\n"
		"       preflightd export [-p FILE] --check FILE",
		"Prints the configuration of a web server that delegates "
		"preflights to preflightd and gives actual responses the "
		"header fields of the policy. Its comments say where each part "
		"goes.", print_servers,
		"Exit status: 0 good, 1 the server can't express the policy, "
		"or the configuration is another one, 2 the policy can't be "
		"used or the usage is wrong, 3 a system call failed.", options,
	};
	const struct export_server *server = NULL;
	int status;

	(void)export_socket_parse(DEFAULT_SOCKET, &a.options.socket);
	(void)export_path_parse(DEFAULT_SCRIPT, &a.options.script);
	if (!cmd_parse(argc, argv, &syntax, &status))
		return status;
	if (argc - optind > 1) {
		(void)wrong("unexpected argument", argv[optind + 1],
		    "a policy file is named with -p");
		return STATUS_USAGE;
	}
	a.server = optind < argc ? argv[optind] : NULL;
	return check_arguments(&a, &server) == 0 ? run(&a, server) :
	    STATUS_USAGE;
}
