#include "config.h"

#include "daemon/sandbox.h"

#include "base/error.h"

#if HAVE_SECCOMP

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* A call that is allowed where one of its arguments is so. */
struct rule {
	int call;
	struct scmp_arg_cmp arg;
};

/* Allowed with any arguments.  What a system lacks is passed over. */
static const int calls[] = {
	/* connections, and what is open already */
	SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(recv), SCMP_SYS(recvfrom),
	SCMP_SYS(recvmsg), SCMP_SYS(send), SCMP_SYS(sendto), SCMP_SYS(sendmsg),
	SCMP_SYS(shutdown), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(getsockname), SCMP_SYS(getpeername), SCMP_SYS(read),
	SCMP_SYS(readv), SCMP_SYS(pread64), SCMP_SYS(write), SCMP_SYS(writev),
	SCMP_SYS(close), SCMP_SYS(lseek), SCMP_SYS(_llseek), SCMP_SYS(dup),
	SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl), SCMP_SYS(fcntl64),
	SCMP_SYS(pipe2),
	/* waiting */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2), SCMP_SYS(poll),
	SCMP_SYS(ppoll), SCMP_SYS(ppoll_time64), SCMP_SYS(select),
	SCMP_SYS(_newselect), SCMP_SYS(pselect6), SCMP_SYS(eventfd2),
	SCMP_SYS(signalfd4), SCMP_SYS(timerfd_create),
	SCMP_SYS(timerfd_settime), SCMP_SYS(timerfd_settime64),
	SCMP_SYS(timerfd_gettime), SCMP_SYS(restart_syscall),
	/* looking at files; those that open them are below */
	SCMP_SYS(stat), SCMP_SYS(stat64), SCMP_SYS(fstat), SCMP_SYS(fstat64),
	SCMP_SYS(lstat), SCMP_SYS(lstat64), SCMP_SYS(newfstatat),
	SCMP_SYS(fstatat64), SCMP_SYS(statx), SCMP_SYS(fstatfs),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2),
	SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(getcwd),
	SCMP_SYS(getdents64), SCMP_SYS(fadvise64), SCMP_SYS(arm_fadvise64_64),
	/* memory */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* threads and signals */
	SCMP_SYS(futex), SCMP_SYS(futex_time64), SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq), SCMP_SYS(membarrier), SCMP_SYS(gettid),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(rt_sigaction),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(rt_sigtimedwait_time64), SCMP_SYS(rt_sigpending),
	SCMP_SYS(sigreturn), SCMP_SYS(sigaltstack), SCMP_SYS(exit),
	SCMP_SYS(exit_group),
	/* clocks, chance and who we are */
	SCMP_SYS(clock_gettime), SCMP_SYS(clock_gettime64),
	SCMP_SYS(clock_getres), SCMP_SYS(clock_nanosleep),
	SCMP_SYS(clock_nanosleep_time64), SCMP_SYS(nanosleep),
	SCMP_SYS(gettimeofday), SCMP_SYS(time), SCMP_SYS(getrandom),
	SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getuid),
	SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(getrusage),
};

/* Flags of open(2) that tell reading from everything else. */
enum { OPEN_MASK = O_ACCMODE | O_CREAT | O_APPEND | O_TRUNC };

#define EQUAL(n, value) {(n), SCMP_CMP_EQ, (scmp_datum_t)(value), 0}
#define MASKED(n, mask, value) \
	{(n), SCMP_CMP_MASKED_EQ, (scmp_datum_t)(mask), (scmp_datum_t)(value)}
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* These return 0 or a negative errno, as libseccomp does. */

static int
calls_allow(scmp_filter_ctx ctx, const int *list, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, list[i], 0);
	return error;
}

static int
rules_allow(scmp_filter_ctx ctx, const struct rule *rules, size_t n)
{
	int error = 0;

	for (size_t i = 0; i < n && error == 0; i++)
		error = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW,
		    rules[i].call, 1, &rules[i].arg);
	return error;
}

static int
filter_fill(scmp_filter_ctx ctx, const struct sandbox_needs *needs)
{
	const struct rule rules[] = {
		{SCMP_SYS(open), MASKED(1, OPEN_MASK, O_RDONLY)},
		{SCMP_SYS(openat), MASKED(2, OPEN_MASK, O_RDONLY)},
		/* Nothing that is written becomes a program. */
		{SCMP_SYS(mmap), MASKED(2, PROT_EXEC, 0)},
		{SCMP_SYS(mmap2), MASKED(2, PROT_EXEC, 0)},
		{SCMP_SYS(mprotect), MASKED(2, PROT_EXEC, 0)},
		{SCMP_SYS(clone), MASKED(0, CLONE_THREAD, CLONE_THREAD)},
		{SCMP_SYS(tgkill), EQUAL(0, getpid())},
		{SCMP_SYS(prlimit64), EQUAL(2, 0)},
		{SCMP_SYS(ioctl), EQUAL(1, FIONREAD)},
		{SCMP_SYS(ioctl), EQUAL(1, TCGETS)},
		{SCMP_SYS(prctl), EQUAL(0, PR_SET_NAME)},
		{SCMP_SYS(prctl), EQUAL(0, PR_SET_VMA)},
	};
	static const struct rule append[] = {
		{SCMP_SYS(open), MASKED(1, OPEN_MASK, O_WRONLY | O_CREAT |
		    O_APPEND)},
		{SCMP_SYS(openat), MASKED(2, OPEN_MASK, O_WRONLY | O_CREAT |
		    O_APPEND)},
		/* A pipe that nobody reads yet. */
		{SCMP_SYS(open), MASKED(1, OPEN_MASK, O_RDWR | O_APPEND)},
		{SCMP_SYS(openat), MASKED(2, OPEN_MASK, O_RDWR | O_APPEND)},
	};
	static const struct rule sockets[] = {
		{SCMP_SYS(socket), EQUAL(0, AF_UNIX)},
	};
	static const int connects[] = {SCMP_SYS(connect)};
	static const int unlinks[] = {SCMP_SYS(unlink), SCMP_SYS(unlinkat)};
	int error;

	/* A call of another architecture is no way around. */
	error = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH,
	    SCMP_ACT_KILL_PROCESS);
	/* Nothing here runs code of others: the kernel need not slow it down
	 * against what such code could guess. */
	if (error == 0)
		error = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_SSB, 1);
	if (error == 0)
		error = calls_allow(ctx, calls, COUNT(calls));
	/* Its flags are out of a filter's sight: the C library goes on with
	 * clone. */
	if (error == 0)
		error = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS),
		    SCMP_SYS(clone3), 0);
	if (error == 0)
		error = rules_allow(ctx, rules, COUNT(rules));
	if (error == 0 && needs->append)
		error = rules_allow(ctx, append, COUNT(append));
	if (error == 0 && needs->unix_sockets)
		error = rules_allow(ctx, sockets, COUNT(sockets));
	if (error == 0 && needs->unix_sockets)
		error = calls_allow(ctx, connects, COUNT(connects));
	if (error == 0 && needs->unlink)
		error = calls_allow(ctx, unlinks, COUNT(unlinks));
	return error;
}

int
sandbox_enter(const struct sandbox_needs *needs)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int error = ctx == NULL ? -ENOMEM : filter_fill(ctx, needs);

	if (error == 0)
		error = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (error == 0)
		return 0;
	return fail("the kernel needs CONFIG_SECCOMP_FILTER; or omit "
	    "--sandbox", "--sandbox: cannot filter system calls: %s",
	    strerror(-error));
}

#else

int
sandbox_enter(const struct sandbox_needs *needs)
{
	(void)needs;
	return fail("omit --sandbox, or configure --with-seccomp",
	    "--sandbox: this program was built without libseccomp");
}

#endif
