/* sandbox.h - a filter of system calls: what serving needs stays, and whoever
 * takes the process over finds nothing else. */
#ifndef PREFLIGHTD_DAEMON_SANDBOX_H
#define PREFLIGHTD_DAEMON_SANDBOX_H

#include <stdbool.h>

/* What a configuration needs beyond serving, reloading and writing to
 * descriptors that are open. */
struct sandbox_needs {
	bool append;       /* open files for appending: a log file */
	bool unix_sockets; /* make Unix sockets: syslog, systemd */
	bool unlink;       /* remove files: our socket files, at the end */
};

/* Puts the filter on this thread and all that it starts; it cannot be taken
 * off.  Any other call ends the process with SIGSYS.  Returns 0, or -1 after a
 * message on stderr. */
int sandbox_enter(const struct sandbox_needs *needs);

#endif
