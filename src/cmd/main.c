/* Picks the subcommand, between sane standard streams; nothing else. */
#include "config.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/color.h"
#include "base/hash.h"
#include "cmd/cmd.h"

static int help(int argc, char **argv);
static int version(int argc, char **argv);

static const struct command {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"serve", "answer preflights over FastCGI", cmd_serve},
	{"check", "validate a policy file", cmd_check},
	{"explain", "what a browser does with a request, and why", cmd_explain},
	{"export", "configuration of a web server, from the policy",
	    cmd_export},
	{"diff", "what a change of policy grants and takes away", cmd_diff},
	{"verify", "whether running servers answer as the policy says",
	    cmd_verify},
	{"help", "the options of a command", help},
	{"version", "the version of the program", version},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

static void
usage(FILE *to)
{
	fputs("usage: preflightd COMMAND [options]\n"
	    "       preflightd help [COMMAND]\n"
	    "       preflightd --help | --version\n\n"
	    "Answers CORS preflights that web servers delegate over FastCGI, "
	    "from one policy\nfile.\n\ncommands:\n", to);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(to, "  %-8s %s\n", commands[i].name, commands[i].help);
	fputs("\n'preflightd help COMMAND' tells the options of each.\n",
	    to);
}

/* The bytes that two words have in common, in order, from the start or from the
 * end, whichever are more: enough to see a slip of the finger. */
static size_t
likeness(const char *a, const char *b)
{
	size_t na = strlen(a), nb = strlen(b), front = 0, back = 0;

	while (front < na && front < nb && a[front] == b[front])
		front++;
	while (back < na && back < nb && a[na - 1 - back] == b[nb - 1 - back])
		back++;
	return front > back ? front : back;
}

static int
unknown(const char *word)
{
	const char *nearest = NULL;
	size_t best = 1, like;
	struct shown shown;

	for (size_t i = 0; i < COMMANDS; i++)
		if ((like = likeness(word, commands[i].name)) > best) {
			best = like;
			nearest = commands[i].name;
		}
	fprintf(stderr, "%spreflightd:%s unknown command '%s'\n",
	    color(color_wanted(stderr), COLOR_ERROR),
	    color(color_wanted(stderr), COLOR_OFF),
	    buf_shown(&shown, str_of(word)));
	if (nearest != NULL)
		fprintf(stderr, "  write preflightd %s\n", nearest);
	else
		fputs("  preflightd --help lists the commands\n", stderr);
	return STATUS_USAGE;
}

/* Opens those of the descriptors 0 to 2 that are closed, so that no file or
 * socket gets such a number and what is printed ends up in it.  The other way
 * round: a command whose output nobody takes is told so.  Returns 0 or -1. */
static int
streams_open(void)
{
	static const int modes[] = {O_WRONLY, O_RDONLY, O_RDONLY};

	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) == -1 &&
		    open("/dev/null", modes[fd]) == -1)
			return -1;
	return 0;
}

/* Returns the status, or another where standard output did not take it all. */
static int
streams_close(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	if (status != STATUS_SYSTEM)
		fputs("preflightd: standard output can't be written\n", stderr);
	return STATUS_SYSTEM;
}

/* Runs a command, under the name that getopt's messages begin with. */
static int
run(const struct command *c, int argc, char **argv)
{
	char name[32];
	struct buf b = BUF(name);

	buf_add(&b, STR("preflightd "));
	buf_add(&b, str_of(c->name));
	(void)buf_cstr(&b);
	argv[0] = name;
	return c->run(argc, argv);
}

static const struct command *
named(const char *word)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(word, commands[i].name) == 0)
			return &commands[i];
	return NULL;
}

static int
help(int argc, char **argv)
{
	static char option[] = "--help";
	char *asked[] = {NULL, option, NULL};
	const struct command *c = argc > 1 ? named(argv[1]) : NULL;

	if (argc > 1 && c == NULL)
		return unknown(argv[1]);
	if (c == NULL || c->run == help || c->run == version) {
		usage(stdout);
		return STATUS_GOOD;
	}
	return run(c, 2, asked);
}

static int
version(int argc, char **argv)
{
	(void)argc;
	(void)argv;
	puts(PACKAGE_STRING);
	return STATUS_GOOD;
}

static int
dispatch(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return STATUS_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0) {
		usage(stdout);
		return STATUS_GOOD;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0)
		return version(argc, argv);
	c = named(argv[1]);
	return c != NULL ? run(c, argc - 1, argv + 1) : unknown(argv[1]);
}

int
main(int argc, char **argv)
{
	unsigned char key[16];

	if (streams_open() == -1) {
		perror("preflightd: /dev/null");
		return STATUS_SYSTEM;
	}
	/* A file at its limit of size is an error like a full disk. */
	signal(SIGXFSZ, SIG_IGN);
	if (getrandom(key, sizeof key, 0) != sizeof key) {
		perror("preflightd: no random bytes");
		return STATUS_SYSTEM;
	}
	hash_key(key);
	return streams_close(dispatch(argc, argv));
}
