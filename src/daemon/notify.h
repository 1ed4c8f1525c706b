/* notify.h - tells the service manager how things stand, by sd_notify(3).  All
 * of it does nothing where nobody asked to be told (NOTIFY_SOCKET). */
#ifndef PREFLIGHTD_DAEMON_NOTIFY_H
#define PREFLIGHTD_DAEMON_NOTIFY_H

#include <stdbool.h>

struct server;

/* Whether somebody asked. */
bool notify_is_wanted(void);

/* It serves; after a reload too, a refused one as well.  The state that is
 * shown beside it tells the policy in use, and why the last one was refused. */
void notify_ready(void);

/* A reload begins: notify_ready follows. */
void notify_reloading(void);

/* It finishes what is in flight. */
void notify_stopping(void);

/* Where WATCHDOG_USEC is set, starts a thread that says in half that time that
 * every worker of the server has come round since; a worker that hangs ends
 * that.  Every signal that the caller waits for must be blocked. */
void notify_watchdog(struct server *server);

/* Ends that thread; before the server is freed. */
void notify_end(void);

#endif
