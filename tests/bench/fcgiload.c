/* A closed loop of load: each connection has one request in flight, every
 * answer is checked, and what the answering process used of CPU time meanwhile
 * is printed with the rest, one `name value` a line.
 *
 * usage: fcgiload [-K] [-H] [-c N] [-i N] [-n N] [-t SECONDS] [-p PID]
 *            [-w WORD] SOCKET
 *   -K  a connection for each request     -c  connections (16)
 *   -H  HTTP instead of FastCGI           -i  idle kept ones beside (0)
 *   -n  stop after N requests             -t  or after SECONDS (3)
 *   -p  a process that answers, repeatable; its threads count too
 *   -w  ask for 64 KiB of header names: WORD again and again */
#include "config.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "serve/fcgi_record.h"

enum { RECORD_PART = 32 * 1024, ANSWER_MAX = 8192, EVENTS = 256, PIDS = 16, WARMUP = 300 /* ms */ };

struct peer {
	int fd;
	bool idle;
	int64_t asked; /* ns */
	size_t n;
	unsigned char answer[ANSWER_MAX];
};

static struct {
	bool close_each, http;
	unsigned long conns, idle, requests, seconds;
	const char *path;
	pid_t pid[PIDS];
	int pids;
} options = {.conns = 16, .seconds = 3};

/* The value of a list of header names, and room for it and the rest. */
static char asked[64 * 1024 + 1] = "authorization,content-type";
static unsigned char request[sizeof asked + 4096];
static size_t request_size;
static unsigned long answered, errors;
static int epoll = -1;

static void
die(const char *what)
{
	fprintf(stderr, "fcgiload: %s: %s\n", what, strerror(errno));
	exit(2);
}

static int64_t
now_ns(clockid_t clock)
{
	struct timespec t;

	if (clock_gettime(clock, &t) == -1)
		die("clock");
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* --- the request: what nginx's fastcgi_params sends for a preflight --- */

static const char *const params[][2] = {
	{"QUERY_STRING", ""}, {"REQUEST_METHOD", "OPTIONS"},
	{"CONTENT_TYPE", ""}, {"CONTENT_LENGTH", ""},
	{"SCRIPT_NAME", "/v1/items"}, {"REQUEST_URI", "/v1/items"},
	{"DOCUMENT_URI", "/v1/items"}, {"DOCUMENT_ROOT", "/var/www/html"},
	{"SERVER_PROTOCOL", "HTTP/1.1"}, {"REQUEST_SCHEME", "https"},
	{"HTTPS", "on"}, {"GATEWAY_INTERFACE", "CGI/1.1"},
	{"SERVER_SOFTWARE", "nginx/1.22.1"}, {"REMOTE_ADDR", "192.0.2.17"},
	{"REMOTE_PORT", "51234"}, {"REMOTE_USER", ""},
	{"SERVER_ADDR", "192.0.2.1"}, {"SERVER_PORT", "443"},
	{"SERVER_NAME", "api.example.com"}, {"REDIRECT_STATUS", "200"},
	{"HTTP_HOST", "api.example.com"}, {"HTTP_CONNECTION", "keep-alive"},
	{"HTTP_ACCEPT", "*/*"}, {"HTTP_ACCESS_CONTROL_REQUEST_METHOD", "PUT"},
	{"HTTP_ACCESS_CONTROL_REQUEST_HEADERS", asked},
	{"HTTP_ORIGIN", "https://app.example.com"},
	{"HTTP_USER_AGENT", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) "
	    "Gecko/20100101 Firefox/128.0"},
	{"HTTP_REFERER", "https://app.example.com/"},
	{"HTTP_ACCEPT_ENCODING", "gzip, deflate, br"},
	{"HTTP_ACCEPT_LANGUAGE", "en-US,en;q=0.9"},
};

static void
put(const void *p, size_t n)
{
	memcpy(request + request_size, p, n);
	request_size += n;
}

static void
put_header(enum record_type type, size_t content)
{
	unsigned char header[RECORD_HEADER];

	record_header(header, type, 1, content);
	put(header, sizeof header);
}

/* Appends a length as a pair has it; returns how many bytes it took. */
static size_t
put_length(unsigned char *to, size_t n)
{
	if (n < 0x80) {
		to[0] = (unsigned char)n;
		return 1;
	}
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(n >> (24 - 8 * i));
	to[0] |= 0x80;
	return 4;
}

/* The parameters as a stream of pairs; returns its length. */
static size_t
build_pairs(unsigned char *to)
{
	size_t n = 0, name, value;

	for (size_t i = 0; i < sizeof params / sizeof params[0]; i++) {
		name = strlen(params[i][0]);
		value = strlen(params[i][1]);
		n += put_length(to + n, name);
		n += put_length(to + n, value);
		memcpy(to + n, params[i][0], name);
		memcpy(to + n + name, params[i][1], value);
		n += name + value;
	}
	return n;
}

static void
build_fastcgi(void)
{
	static unsigned char pairs[sizeof asked + 4096];
	unsigned char begin[RECORD_BODY] = {0, ROLE_RESPONDER,
	    options.close_each ? 0 : RECORD_KEEP_CONN};
	size_t size = build_pairs(pairs), part;

	put_header(RECORD_BEGIN_REQUEST, sizeof begin);
	put(begin, sizeof begin);
	for (size_t at = 0; at < size; at += part) {
		part = size - at < RECORD_PART ? size - at : RECORD_PART;
		put_header(RECORD_PARAMS, part);
		put(pairs + at, part);
	}
	put_header(RECORD_PARAMS, 0);
	put_header(RECORD_STDIN, 0);
}

/* Fills the list of header names with one word. */
static void
ask_for(const char *word)
{
	size_t n = strlen(word);

	if (n == 0 || n >= sizeof asked)
		exit(2);
	memset(asked, 0, sizeof asked);
	for (size_t at = 0; at + n < sizeof asked; at += n)
		memcpy(asked + at, word, n);
}

static void
build_http(void)
{
	static const char text[] = "OPTIONS /v1/items HTTP/1.1\r\n"
	    "Host: api.example.com\r\nOrigin: https://app.example.com\r\n"
	    "Access-Control-Request-Method: PUT\r\n"
	    "Access-Control-Request-Headers: authorization,content-type\r\n"
	    "\r\n";

	put(text, sizeof text - 1);
}

/* --- connections --- */

static void
ask(struct peer *c)
{
	c->n = 0;
	c->asked = now_ns(CLOCK_MONOTONIC);
	if (send(c->fd, request, request_size, MSG_NOSIGNAL) !=
	    (ssize_t)request_size)
		errors++;
}

static void
peer_open(struct peer *c)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = c};

	snprintf(un.sun_path, sizeof un.sun_path, "%s", options.path);
	c->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd == -1 ||
	    connect(c->fd, (struct sockaddr *)&un, sizeof un) == -1 ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, c->fd, &ev) == -1)
		die("connect");
}

/* How long answers took, in steps of 2 us; the last is for all that took
 * longer. */
enum { WAITED_STEP = 2000, WAITED_STEPS = 50000 };

static unsigned long waited[WAITED_STEPS];
static int64_t waited_max;

static void
waited_add(int64_t ns)
{
	size_t step = (size_t)ns / WAITED_STEP;

	waited[step < WAITED_STEPS ? step : WAITED_STEPS - 1]++;
	if (ns > waited_max)
		waited_max = ns;
}

/* The time in us within which that share of the answers came. */
static double
waited_within(double share, unsigned long answers)
{
	unsigned long seen = 0;
	size_t step = 0;

	while (step + 1 < WAITED_STEPS &&
	    (double)(seen += waited[step]) < share * (double)answers)
		step++;
	return (double)(step + 1) * WAITED_STEP / 1e3;
}

/* Whether the bytes are one whole answer with status 204. */
static bool
answer_is_whole(const struct peer *c)
{
	size_t at = 0;

	if (options.http)
		return c->n > 4 && memcmp(c->answer + c->n - 4, "\r\n\r\n",
		    4) == 0;
	while (c->n - at >= RECORD_HEADER) {
		const unsigned char *h = c->answer + at;
		size_t whole = RECORD_HEADER + record_u16(h + 4) + h[6];

		if (whole > c->n - at)
			return false;
		at += whole;
		if (h[1] == RECORD_END_REQUEST)
			return at == c->n;
	}
	return false;
}

static bool
answer_is_good(const struct peer *c)
{
	const char *wanted = options.http ? "HTTP/1.1 204" : "Status: 204";
	size_t at = options.http ? 0 : RECORD_HEADER;

	return c->n > at + strlen(wanted) &&
	    memcmp(c->answer + at, wanted, strlen(wanted)) == 0;
}

static void
peer_again(struct peer *c)
{
	if (options.close_each) {
		close(c->fd);
		peer_open(c);
	}
	ask(c);
}

static void
peer_readable(struct peer *c)
{
	ssize_t n = recv(c->fd, c->answer + c->n, ANSWER_MAX - c->n, 0);

	if (n <= 0) {
		errors++;
		close(c->fd);
		peer_open(c);
		ask(c);
		return;
	}
	c->n += (size_t)n;
	if (!answer_is_whole(c))
		return;
	if (!answer_is_good(c))
		errors++;
	answered++;
	waited_add(now_ns(CLOCK_MONOTONIC) - c->asked);
	if (!c->idle)
		peer_again(c);
}

/* Lets them ask until so many answers have come, or until a time. */
static void
turn(unsigned long answers, int64_t until)
{
	struct epoll_event ev[EVENTS];
	int n;

	while (answered < answers && now_ns(CLOCK_MONOTONIC) < until &&
	    errors < 1000) {
		n = epoll_wait(epoll, ev, EVENTS, 20);
		for (int i = 0; i < n; i++)
			peer_readable(ev[i].data.ptr);
	}
}

/* --- measuring --- */

static int64_t
cpu_ns(void)
{
	int64_t sum = 0;
	clockid_t clock;

	for (int i = 0; i < options.pids; i++) {
		if (clock_getcpuclockid(options.pid[i], &clock) != 0)
			die("-p");
		sum += now_ns(clock);
	}
	return sum;
}

static struct peer *
peers_open(void)
{
	struct peer *peers = calloc(options.conns + options.idle,
	    sizeof *peers);
	int64_t soon = now_ns(CLOCK_MONOTONIC) + 10000000000;

	if (peers == NULL)
		die("memory");
	for (size_t i = 0; i < options.idle; i++) {
		peers[i].idle = true;
		peer_open(&peers[i]);
		ask(&peers[i]);
		turn(i + 1, soon);
	}
	for (size_t i = options.idle; i < options.idle + options.conns; i++) {
		peer_open(&peers[i]);
		ask(&peers[i]);
	}
	return peers;
}

static void
measure(void)
{
	int64_t start, cpu, took;

	turn(SIZE_MAX, now_ns(CLOCK_MONOTONIC) + WARMUP * INT64_C(1000000));
	answered = 0;
	memset(waited, 0, sizeof waited);
	waited_max = 0;
	start = now_ns(CLOCK_MONOTONIC);
	cpu = cpu_ns();
	turn(options.requests > 0 ? options.requests : SIZE_MAX,
	    start + (int64_t)options.seconds * 1000000000);
	cpu = cpu_ns() - cpu;
	took = now_ns(CLOCK_MONOTONIC) - start;
	printf("requests %lu\nerrors %lu\nper_second %.0f\ncpu_us %.3f\n",
	    answered, errors, (double)answered * 1e9 / (double)took,
	    answered > 0 ? (double)cpu / 1e3 / (double)answered : 0);
	printf("p99_us %.0f\nmax_us %.0f\n", waited_within(0.99, answered),
	    (double)waited_max / 1e3);
}

static unsigned long
number(const char *s)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(s, &end, 10);
	if (errno != 0 || end == s || *end != '\0') {
		errno = EINVAL;
		die(s);
	}
	return n;
}

static void
options_read(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "KHc:i:n:t:p:w:")) != -1) {
		if (o == 'K')
			options.close_each = true;
		else if (o == 'H')
			options.http = true;
		else if (o == 'c')
			options.conns = number(optarg);
		else if (o == 'i')
			options.idle = number(optarg);
		else if (o == 'n')
			options.requests = number(optarg);
		else if (o == 't')
			options.seconds = number(optarg);
		else if (o == 'p' && options.pids < PIDS)
			options.pid[options.pids++] = (pid_t)number(optarg);
		else if (o == 'w')
			ask_for(optarg);
		else
			exit(2);
	}
	if (optind + 1 != argc) {
		errno = EINVAL;
		die("one socket is wanted");
	}
	options.path = argv[optind];
}

int
main(int argc, char **argv)
{
	struct rlimit rl;
	struct peer *peers;

	options_read(argc, argv);
	signal(SIGPIPE, SIG_IGN);
	if (getrlimit(RLIMIT_NOFILE, &rl) == 0) {
		rl.rlim_cur = rl.rlim_max;
		setrlimit(RLIMIT_NOFILE, &rl);
	}
	if ((epoll = epoll_create1(EPOLL_CLOEXEC)) == -1)
		die("epoll_create1");
	if (options.http)
		build_http();
	else
		build_fastcgi();
	peers = peers_open();
	measure();
	free(peers);
	return errors > 0 ? 1 : 0;
}
