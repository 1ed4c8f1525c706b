/* Puts the sandbox on and makes one call, to show that it is refused or not.
 *
 *   confined NEEDS CALL
 *
 * NEEDS is any of the letters a (append), u (unix_sockets) and r (unlink), or
 * '-'.  The status is 0 where the call was let through, whatever came of it. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "daemon/sandbox.h"

static void
call_execve(void)
{
	char *const none[] = {NULL};

	execve("/nonexistent", none, none);
}

static void
call_fork(void)
{
	if (fork() == 0)
		_exit(0);
}

static void
call_inet(void)
{
	socket(AF_INET, SOCK_STREAM, 0);
}

static void
call_unix(void)
{
	socket(AF_UNIX, SOCK_DGRAM, 0);
}

static void
call_netlink(void)
{
	socket(AF_NETLINK, SOCK_RAW, 0);
}

static void
call_read(void)
{
	open("/nonexistent", O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
}

static void
call_write(void)
{
	open("/nonexistent", O_WRONLY);
}

static void
call_create(void)
{
	open("/nonexistent/a", O_WRONLY | O_CREAT | O_TRUNC, 0600);
}

static void
call_append(void)
{
	open("/nonexistent/a", O_WRONLY | O_CREAT | O_APPEND, 0600);
}

static void
call_unlink(void)
{
	unlink("/nonexistent");
}

static void
call_rename(void)
{
	rename("/nonexistent", "/nonexistent");
}

static void
call_chmod(void)
{
	chmod("/nonexistent", 0600);
}

static void
call_ptrace(void)
{
	ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static void
call_kill(void)
{
	kill(getppid(), 0);
}

static void
call_setuid(void)
{
	if (setuid(getuid()) == -1)
		_exit(1);
}

static void
call_setrlimit(void)
{
	const struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
}

static void
call_getrlimit(void)
{
	struct rlimit r;

	getrlimit(RLIMIT_CORE, &r);
}

static void
call_listen(void)
{
	listen(0, 1);
}

static void
call_program_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
call_memory(void)
{
	mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
	    -1, 0);
}

static void
call_memfd(void)
{
	memfd_create("x", 0);
}

static void
call_prctl(void)
{
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
}

static void *
nothing(void *arg)
{
	return arg;
}

static void
call_thread(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, nothing, NULL) != 0)
		_exit(1);
	pthread_join(thread, NULL);
}

static void
call_wait(void)
{
	sigset_t set;

	sigemptyset(&set);
	if (timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC) == -1 ||
	    signalfd(-1, &set, SFD_CLOEXEC) == -1 ||
	    epoll_create1(EPOLL_CLOEXEC) == -1)
		_exit(1);
}

static void
call_file_status(void)
{
	struct stat st;
	char name[100];
	ssize_t n;

	n = readlink("/proc/self/exe", name, sizeof name);
	if (n == -1 || stat("/", &st) == -1 || lstat("/", &st) == -1)
		_exit(1);
}

#define CALL(name) {#name, call_##name}
static const struct {
	const char *name;
	void (*make)(void);
} calls[] = {
	CALL(append), CALL(chmod), CALL(create), CALL(execve),
	CALL(file_status), CALL(fork), CALL(getrlimit), CALL(inet), CALL(kill),
	CALL(listen), CALL(memfd), CALL(memory), CALL(netlink), CALL(prctl),
	CALL(program_memory), CALL(ptrace), CALL(read), CALL(rename),
	CALL(setrlimit), CALL(setuid), CALL(thread), CALL(unix), CALL(unlink),
	CALL(wait), CALL(write),
};

int
main(int argc, char **argv)
{
	struct sandbox_needs needs = {0};

	if (argc != 3)
		return 2;
	needs.append = strchr(argv[1], 'a') != NULL;
	needs.unix_sockets = strchr(argv[1], 'u') != NULL;
	needs.unlink = strchr(argv[1], 'r') != NULL;
	for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
		if (strcmp(argv[2], calls[i].name) != 0)
			continue;
		if (sandbox_enter(&needs) == -1)
			return 3;
		calls[i].make();
		/* Past what sanitizers do at exit. */
		_exit(0);
	}
	return 2;
}
