#include "config.h"

#include "daemon/notify.h"

#include <stdlib.h>

#if HAVE_SYSTEMD

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <systemd/sd-daemon.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "log/log.h"
#include "metrics/metrics.h"
#include "serve/server.h"

static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake;
	pthread_t thread;
	bool running, stop;
	int64_t interval; /* us */
	struct server *server;
} watchdog = {.lock = PTHREAD_MUTEX_INITIALIZER};

bool
notify_is_wanted(void)
{
	return getenv("NOTIFY_SOCKET") != NULL;
}

void
notify_ready(void)
{
	struct load_state state;
	const struct policy_load *p = &state.policy[LOAD_LIVE];
	char loaded[CLOCK_TEXT], text[4 * LOAD_ERROR_MAX + 200];
	struct buf b = BUF(text);

	if (!notify_is_wanted())
		return;
	load_state_get(&state);
	buf_add(&b, STR("READY=1\nSTATUS=serving policy "));
	buf_add(&b, (struct str){p->digest, strnlen(p->digest, 12)});
	buf_add(&b, STR(" since "));
	buf_add(&b, str_of(clock_text(loaded, p->loaded_at)));
	if (p->error[0] != '\0') {
		buf_add(&b, STR("; the last reload was refused: "));
		buf_escaped(&b, str_of(p->error), LOAD_ERROR_MAX);
	}
	sd_notify(0, buf_cstr(&b));
}

void
notify_reloading(void)
{
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n"
	    "STATUS=loading the policy", clock_us());
}

void
notify_stopping(void)
{
	sd_notify(0, "STOPPING=1\nSTATUS=finishing what is in flight");
}

/* ---- the watchdog ------------------------------------------------------ */

static void *
watchdog_run(void *arg)
{
	struct timespec until;
	int64_t at;

	(void)arg;
	prctl(PR_SET_NAME, "watchdog", 0, 0, 0);
	pthread_mutex_lock(&watchdog.lock);
	(void)server_progress(watchdog.server);
	sd_notify(0, "WATCHDOG=1");
	for (;;) {
		at = clock_us() + watchdog.interval;
		until = (struct timespec){(time_t)(at / 1000000),
		    (long)(at % 1000000) * 1000};
		while (!watchdog.stop && pthread_cond_timedwait(&watchdog.wake,
		    &watchdog.lock, &until) == 0)
			;
		if (watchdog.stop)
			break;
		if (server_progress(watchdog.server))
			sd_notify(0, "WATCHDOG=1");
		else
			log_event(LOG_LEVEL_ERROR, "stalled", "worker",
			    LOG_UNLIMITED);
	}
	pthread_mutex_unlock(&watchdog.lock);
	return NULL;
}

void
notify_watchdog(struct server *server)
{
	pthread_condattr_t attr;
	uint64_t usec;

	if (!notify_is_wanted() || sd_watchdog_enabled(0, &usec) <= 0)
		return;
	watchdog.server = server;
	watchdog.interval = usec > 1 ? (int64_t)(usec / 2) : 1;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&watchdog.wake, &attr);
	pthread_condattr_destroy(&attr);
	/* Without the thread the service manager will start it anew. */
	watchdog.running = pthread_create(&watchdog.thread, NULL, watchdog_run,
	    NULL) == 0;
}

void
notify_end(void)
{
	if (!watchdog.running)
		return;
	pthread_mutex_lock(&watchdog.lock);
	watchdog.stop = true;
	pthread_cond_signal(&watchdog.wake);
	pthread_mutex_unlock(&watchdog.lock);
	pthread_join(watchdog.thread, NULL);
	pthread_cond_destroy(&watchdog.wake);
	watchdog.running = false;
}

#else

#include "log/log.h"

bool
notify_is_wanted(void)
{
	return false;
}

void
notify_ready(void)
{
	static bool told;
	struct log_line l;

	if (told || getenv("NOTIFY_SOCKET") == NULL)
		return;
	told = true;
	if (!log_begin(&l, LOG_LEVEL_WARNING, "not-notified", "no-libsystemd",
	    LOG_UNLIMITED))
		return;
	log_str(&l, "hint", STR("configure --with-systemd, or write "
	    "Type=exec into the unit"));
	log_end(&l);
}

void
notify_reloading(void)
{
}

void
notify_stopping(void)
{
}

void
notify_watchdog(struct server *server)
{
	(void)server;
}

void
notify_end(void)
{
}

#endif
