#include "config.h"

#include "log/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "log/sink.h"

enum {
	QUEUE_SIZE = 256 * 1024, /* bytes of lines not yet written */
	VALUE_MAX = 512,
	CLOSE_SECONDS = 2,       /* for what is left at the end */
	RATES = 128,             /* events and reasons, all of them and more */
};

/* Lines of one event and reason: those of this period, those left out. */
struct rate {
	const char *event, *reason; /* event is NULL: free */
	int64_t until; /* end of the period, in seconds */
	unsigned lines;
	unsigned long left_out;
};

/* Lines wait in `filling`, each as a byte for its level, text and a newline,
 * until the log's thread takes them all by exchanging the two buffers. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t more, empty;
	pthread_t thread;
	bool running, stop;
	enum log_level level;
	struct rate rates[RATES];
	unsigned long lost;    /* lines that did not fit, not told yet */
	unsigned long failed;  /* lines that could not be written, not told */
	int error;             /* why not */
	atomic_ulong lost_ever; /* all of both */
	size_t n;           /* bytes in filling */
	char *filling, *writing;
} log_state = {.lock = PTHREAD_MUTEX_INITIALIZER};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

int
log_level_parse(const char *name)
{
	for (int i = 0; i <= (int)LOG_LEVEL_DEBUG; i++)
		if (strcmp(name, level_names[i]) == 0)
			return i;
	return -1;
}

static int64_t
clock_seconds(void)
{
	return clock_us() / 1000000;
}

/* ---- the log's thread -------------------------------------------------- */

static void line_begin(struct log_line *l, enum log_level level,
    const char *event, const char *reason);

static int
line_write(enum log_level level, const char *line, size_t n)
{
	if (log_sink_write(level, line, n) == 0)
		return 0;
	log_state.error = errno;
	return -1;
}

/* Says how many lines could not be written, as soon as one can. */
static int
failures_tell(void)
{
	struct log_line l;

	if (log_state.failed == 0)
		return 0;
	line_begin(&l, LOG_LEVEL_WARNING, "left-out", "failed-log");
	log_num(&l, "lines", log_state.failed);
	log_str(&l, "error", str_of(strerror(log_state.error)));
	l.text[l.buf.n++] = '\n';
	if (line_write(l.level, l.text, l.buf.n) == -1)
		return -1;
	log_state.failed = 0;
	return 0;
}

static void
lines_write(const char *lines, size_t n)
{
	const char *end = lines + n, *newline;

	while (lines < end) {
		newline = memchr(lines, '\n', (size_t)(end - lines));
		if (failures_tell() == -1 || line_write((enum log_level)
		    (lines[0] - '0'), lines + 1, (size_t)(newline - lines)) ==
		    -1) {
			log_state.failed++;
			atomic_fetch_add(&log_state.lost_ever, 1);
		}
		lines = newline + 1;
	}
}

/* Appends a line to what waits; the lock is held. */
static void
line_queue(const struct log_line *l)
{
	if (l->buf.n + 2 > QUEUE_SIZE - log_state.n) {
		log_state.lost++;
		atomic_fetch_add(&log_state.lost_ever, 1);
		return;
	}
	log_state.filling[log_state.n++] = (char)('0' + (int)l->level);
	memcpy(log_state.filling + log_state.n, l->buf.p, l->buf.n);
	log_state.n += l->buf.n;
	log_state.filling[log_state.n++] = '\n';
	pthread_cond_signal(&log_state.more);
}

static void
line_begin(struct log_line *l, enum log_level level, const char *event,
    const char *reason)
{
	struct timespec now;
	struct tm tm;
	char stamp[40];

	l->buf = (struct buf){l->text, 0, LOG_LINE_MAX, false};
	l->level = level;
	if (!log_sink_is_syslog()) {
		clock_gettime(CLOCK_REALTIME, &now);
		gmtime_r(&now.tv_sec, &tm);
		strftime(stamp, sizeof stamp, "time=%FT%T", &tm);
		buf_add(&l->buf, str_of(stamp));
		snprintf(stamp, sizeof stamp, ".%03dZ ",
		    (int)(now.tv_nsec / 1000000));
		buf_add(&l->buf, str_of(stamp));
	}
	buf_add(&l->buf, STR("level="));
	buf_add(&l->buf, str_of(level_names[level]));
	buf_add(&l->buf, STR(" event="));
	buf_add(&l->buf, str_of(event));
	if (reason != NULL) {
		buf_add(&l->buf, STR(" reason="));
		buf_add(&l->buf, str_of(reason));
	}
}

/* Says what was left out in periods that are over; the lock is held.  Returns
 * whether there is more to say later. */
static bool
left_out_queue(int64_t now, bool all)
{
	struct log_line l;
	struct rate *r;
	bool later = false;

	for (int i = 0; i < RATES; i++) {
		r = &log_state.rates[i];
		if (r->left_out == 0)
			continue;
		if (!all && now < r->until) {
			later = true;
			continue;
		}
		line_begin(&l, LOG_LEVEL_WARNING, "left-out", r->reason);
		log_str(&l, "of", str_of(r->event));
		log_num(&l, "lines", r->left_out);
		line_queue(&l);
		r->left_out = 0;
	}
	if (log_state.lost > 0 && log_state.n == 0) {
		line_begin(&l, LOG_LEVEL_WARNING, "left-out", "slow-log");
		log_num(&l, "lines", log_state.lost);
		line_queue(&l);
		log_state.lost = 0;
	}
	return later;
}

static void
wait_second(pthread_cond_t *cond)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec++;
	pthread_cond_timedwait(cond, &log_state.lock, &until);
}

/* Waits for lines and takes them.  Returns their bytes, 0 at the end. */
static size_t
lines_take(void)
{
	char *taken;
	size_t n;

	while (log_state.n == 0) {
		bool later;

		log_sink_renew();
		later = left_out_queue(clock_seconds(), log_state.stop);
		if (log_state.n == 0 && log_state.failed > 0) {
			pthread_mutex_unlock(&log_state.lock);
			later |= failures_tell() == -1;
			pthread_mutex_lock(&log_state.lock);
		}
		if (log_state.n > 0)
			break;
		pthread_cond_broadcast(&log_state.empty);
		if (log_state.stop)
			return 0;
		if (later)
			wait_second(&log_state.more);
		else
			pthread_cond_wait(&log_state.more, &log_state.lock);
	}
	n = log_state.n;
	taken = log_state.filling;
	log_state.filling = log_state.writing;
	log_state.writing = taken;
	log_state.n = 0;
	return n;
}

static void *
log_run(void *arg)
{
	size_t n;

	(void)arg;
	prctl(PR_SET_NAME, "log", 0, 0, 0);
	pthread_mutex_lock(&log_state.lock);
	while ((n = lines_take()) > 0) {
		pthread_mutex_unlock(&log_state.lock);
		lines_write(log_state.writing, n);
		pthread_mutex_lock(&log_state.lock);
	}
	log_state.running = false;
	pthread_cond_broadcast(&log_state.empty);
	pthread_mutex_unlock(&log_state.lock);
	return NULL;
}

/* ---- opening and closing ----------------------------------------------- */

/* Its waits are for seconds that nobody can set. */
static void
conditions_init(void)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&log_state.more, &attr);
	pthread_cond_init(&log_state.empty, &attr);
	pthread_condattr_destroy(&attr);
}

int
log_open(const char *where, enum log_level level, uid_t uid, gid_t gid)
{
	log_state.level = level;
	log_state.filling = malloc(QUEUE_SIZE);
	log_state.writing = malloc(QUEUE_SIZE);
	if (log_state.filling == NULL || log_state.writing == NULL)
		return -1;
	conditions_init();
	return log_sink_open(where, uid, gid);
}

int
log_start(void)
{
	int error = pthread_create(&log_state.thread, NULL, log_run, NULL);

	if (error != 0) {
		errno = error;
		return -1;
	}
	log_state.running = true;
	return 0;
}

int
log_reopen(void)
{
	if (log_sink_reopen() == -1)
		return -1;
	pthread_mutex_lock(&log_state.lock);
	pthread_cond_signal(&log_state.more);
	pthread_mutex_unlock(&log_state.lock);
	return 0;
}

unsigned long
log_lost(void)
{
	return atomic_load(&log_state.lost_ever);
}

void
log_close(void)
{
	bool ended;

	/* A start that failed may have lines for the log too. */
	if (!log_state.running && log_start() == -1)
		return;
	pthread_mutex_lock(&log_state.lock);
	log_state.stop = true;
	pthread_cond_signal(&log_state.more);
	for (int i = 0; i < CLOSE_SECONDS && log_state.running; i++)
		wait_second(&log_state.empty);
	ended = !log_state.running;
	pthread_mutex_unlock(&log_state.lock);
	/* A thread that still waits for a full pipe ends with the process. */
	if (!ended)
		return;
	pthread_join(log_state.thread, NULL);
	free(log_state.filling);
	free(log_state.writing);
}

/* ---- making lines ------------------------------------------------------ */

/* The rate of an event and reason; the lock is held. */
static struct rate *
rate_find(const char *event, const char *reason)
{
	struct rate *r;

	for (int i = 0; i < RATES - 1; i++) {
		r = &log_state.rates[i];
		if (r->event == NULL)
			*r = (struct rate){event, reason, 0, 0, 0};
		if (strcmp(r->event, event) == 0 && (r->reason == reason ||
		    (r->reason != NULL && reason != NULL &&
		    strcmp(r->reason, reason) == 0)))
			return r;
	}
	r = &log_state.rates[RATES - 1];
	r->event = "others";
	return r;
}

/* Whether a line may be made now; the lock is held. */
static bool
rate_allows(struct rate *r, enum log_limit limit)
{
	unsigned most = limit == LOG_PER_MINUTE ? 1 : LOG_LINES_A_SECOND;
	int64_t now = clock_seconds();

	if (now >= r->until) {
		if (r->left_out > 0)
			left_out_queue(now, false);
		r->until = now + (limit == LOG_PER_MINUTE ? 60 : 1);
		r->lines = 0;
	}
	if (r->lines < most) {
		r->lines++;
		return true;
	}
	/* The log's thread is to look when the period is over. */
	if (r->left_out++ == 0)
		pthread_cond_signal(&log_state.more);
	return false;
}

bool
log_begin(struct log_line *l, enum log_level level, const char *event,
    const char *reason, enum log_limit limit)
{
	bool allowed = true;

	if (level > log_state.level)
		return false;
	if (limit != LOG_UNLIMITED) {
		pthread_mutex_lock(&log_state.lock);
		allowed = rate_allows(rate_find(event, reason), limit);
		pthread_mutex_unlock(&log_state.lock);
	}
	if (allowed)
		line_begin(l, level, event, reason);
	return allowed;
}

static void
key_add(struct log_line *l, const char *key)
{
	buf_char(&l->buf, ' ');
	buf_add(&l->buf, str_of(key));
	buf_char(&l->buf, '=');
}

void
log_str(struct log_line *l, const char *key, struct str value)
{
	key_add(l, key);
	buf_char(&l->buf, '"');
	buf_escaped(&l->buf, value, VALUE_MAX);
	buf_char(&l->buf, '"');
}

void
log_text(struct log_line *l, const char *key, struct str value)
{
	key_add(l, key);
	buf_char(&l->buf, '"');
	for (size_t i = 0; i < value.n; i++)
		if (value.p[i] == '\\')
			buf_char(&l->buf, '\\');
		else
			buf_escaped(&l->buf, (struct str){value.p + i, 1}, 1);
	buf_char(&l->buf, '"');
}

void
log_num(struct log_line *l, const char *key, unsigned long value)
{
	key_add(l, key);
	buf_uint(&l->buf, value);
}

void
log_end(struct log_line *l)
{
	/* The last value may have lost its quote: one more does no harm. */
	if (l->buf.full) {
		l->buf.cap = sizeof l->text;
		buf_add(&l->buf, STR("\" cut=yes"));
	}
	pthread_mutex_lock(&log_state.lock);
	line_queue(l);
	pthread_mutex_unlock(&log_state.lock);
}

void
log_event(enum log_level level, const char *event, const char *reason,
    enum log_limit limit)
{
	struct log_line l;

	if (log_begin(&l, level, event, reason, limit))
		log_end(&l);
}
