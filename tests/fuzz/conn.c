/* conn.c - fuzzes a connection of a web server, through a socket, as a worker
 * serves it.  The input is bytes of FastCGI, or says which records to make, and
 * where to cut them. */
#include "config.h"

#include "serve/worker.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answer_parse.h"
#include "base/buf.h"
#include "files.h"
#include "fuzz.h"
#include "log/log.h"
#include "serve/fcgi_record.h"
#include "serve/server.h"

enum { TEXT_MAX = 8192, BYTES_MAX = 64 * 1024, OUT_MAX = 256 * 1024 };

static const char policy_text[] =
    "[policy one]\nhost = api.example.com\n"
    "allow-origins = https://app.example.com, https://*.example.com\n"
    "allow-methods = GET, PUT, *\nallow-headers = *\n"
    "allow-credentials = yes\ndebug = yes\n"
    "[policy all]\nallow-origins = *\n";

/* ---- the worker -------------------------------------------------------- */

/* A worker that is served by hand. */
static struct worker *
worker_make(void)
{
	static struct listen_set none;
	static struct worker w;
	static struct limit_member *members[] = {&w.member};
	static struct conn_limit limit = {.max = 1000, .nmembers = 1,
	    .members = members};
	static struct epoch epoch;
	static struct snapshot *snapshot;
	struct policy_set *set = fuzz_policies(str_of(policy_text));

	w.metrics = metrics_new(1);
	HOLDS(set != NULL && w.metrics != NULL && fcgi_init() == 0);
	HOLDS(log_open("/dev/null", LOG_LEVEL_ERROR, (uid_t)-1,
	    (gid_t)-1) == 0 && log_start() == 0);
	snapshot = snapshot_new(set, NULL, w.metrics, 1);
	HOLDS(snapshot != NULL && epoch_init(&epoch, 1) == 0);
	epoch_publish(&epoch, snapshot);
	w.epoll = w.member.wake = -1;
	w.limit = &limit;
	w.epoch = &epoch;
	w.env.status_path = STR("/status");
	w.env.shard = metrics_shard(w.metrics, 0);
	HOLDS(worker_init(&w, &none, 1000, 64 * 1024 * 1024) == 0);
	return &w;
}

/* ---- serving ----------------------------------------------------------- */

struct output {
	unsigned char bytes[OUT_MAX];
	size_t n;
	bool closed; /* by the worker */
};

static struct conn *
only_conn(struct worker *w)
{
	HOLDS(w->nconns <= 1);
	for (size_t i = 0; i < WAITS; i++)
		if (!list_empty(&w->waiting[i]))
			return LIST_ELEMENT(w->waiting[i].next, struct conn,
			    by_wait);
	return NULL;
}

static void
drain(int fd, struct output *out)
{
	ssize_t n;

	while ((n = recv(fd, out->bytes + out->n, sizeof out->bytes - out->n,
	    MSG_DONTWAIT)) > 0)
		out->n += (size_t)n;
	HOLDS(out->n < sizeof out->bytes);
	if (n == 0)
		out->closed = true;
}

/* Lets the worker do all that it can. */
static void
serve(struct worker *w, int fd, struct output *out, bool readable)
{
	struct conn *c;

	for (int rounds = 0; (c = only_conn(w)) != NULL; rounds++) {
		HOLDS(rounds < 10000);
		if (c->unsent.n > 0)
			conn_writable(w, c);
		else if (readable)
			conn_readable(w, c);
		else
			return;
		readable = false;
		drain(fd, out);
	}
	conn_reap(w);
}

/* Sends the bytes in pieces of at most piece bytes and takes what comes. */
static void
talk(struct worker *w, struct str in, size_t piece, struct output *out)
{
	int fds[2];
	size_t n;

	out->n = 0;
	out->closed = false;
	HOLDS(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0, fds) == 0);
	atomic_fetch_add(&w->limit->open, 1);
	conn_open(w, fds[0]);
	while (in.n > 0 && !out->closed) {
		n = in.n < piece ? in.n : piece;
		if (send(fds[1], in.p, n, MSG_NOSIGNAL) != (ssize_t)n)
			break;
		in = str_from(in, n);
		serve(w, fds[1], out, true);
		drain(fds[1], out);
	}
	(void)shutdown(fds[1], SHUT_WR);
	serve(w, fds[1], out, true);
	drain(fds[1], out);
	HOLDS(only_conn(w) == NULL && out->closed);
	close(fds[1]);
	conn_reap(w);
	HOLDS(w->pool.held == 0);
}

/* ---- what was answered ------------------------------------------------- */

/* The output of one request. */
struct stdout_stream {
	unsigned id;
	bool ended;
	char text[16 * 1024];
	size_t n;
};

static void
stdout_add(struct stdout_stream *s, unsigned id, const unsigned char *p,
    size_t n)
{
	HOLDS(s->n == 0 || s->id == id);
	HOLDS(!s->ended && n <= sizeof s->text - s->n);
	s->id = id;
	s->ended = n == 0;
	memcpy(s->text + s->n, p, n);
	s->n += n;
}

/* A request ends with an answer, or with none. */
static void
request_end(struct stdout_stream *s, unsigned id, unsigned status)
{
	struct answer a;
	struct str text = {s->text, s->n};

	HOLDS(status <= END_UNKNOWN_ROLE);
	if (s->n == 0)
		return;
	HOLDS(s->id == id && status == END_COMPLETE);
	answer_parse(text, str_starts(text, STR("Status: 200 OK\r\n")) ?
	    STR("Variable-") : STR(""), &a);
	s->n = 0;
	s->ended = false;
}

/* The ids that were begun, and how often: of each that many may end. */
struct begun {
	uint16_t count[65536];
};

static void
begun_find(struct begun *b, struct str in)
{
	const unsigned char *p = (const unsigned char *)in.p;
	size_t n = in.n, whole;

	memset(b, 0, sizeof *b);
	while (n >= RECORD_HEADER) {
		whole = (size_t)RECORD_HEADER + record_u16(p + 4) + p[6];
		if (p[1] == RECORD_BEGIN_REQUEST)
			b->count[record_u16(p + 2)]++;
		if (whole > n)
			return;
		p += whole;
		n -= whole;
	}
}

/* The answers are whole records of the kinds that an application sends, and
 * each ends a request that was begun. */
static void
check_output(const struct output *out, struct begun *begun)
{
	static struct stdout_stream s;
	const unsigned char *p = out->bytes, *end = p + out->n;
	unsigned id;
	size_t n;

	s.n = 0;
	s.ended = false;
	while (p < end) {
		HOLDS(end - p >= RECORD_HEADER && p[0] == RECORD_VERSION);
		id = record_u16(p + 2);
		n = record_u16(p + 4);
		HOLDS((size_t)(end - p) >= RECORD_HEADER + n + p[6]);
		if (p[1] == RECORD_STDOUT) {
			stdout_add(&s, id, p + RECORD_HEADER, n);
		} else if (p[1] == RECORD_END_REQUEST && n == RECORD_BODY) {
			HOLDS(begun->count[id]-- > 0);
			request_end(&s, id, p[12]);
		} else {
			HOLDS(id == 0 &&
			    (p[1] == RECORD_GET_VALUES_RESULT ||
			        p[1] == RECORD_UNKNOWN_TYPE));
		}
		p += RECORD_HEADER + n + p[6];
	}
	HOLDS(s.n == 0);
}

/* ---- records from an input --------------------------------------------- */

static unsigned
next(struct str *in)
{
	unsigned char c = 0;

	if (in->n > 0) {
		c = (unsigned char)in->p[0];
		*in = str_from(*in, 1);
	}
	return c;
}

static void
add_record(struct buf *b, unsigned type, unsigned id, struct str content,
    unsigned padding)
{
	unsigned char head[RECORD_HEADER];

	record_header(head, (enum record_type)type, id, content.n);
	head[6] = (unsigned char)padding;
	buf_add(b, (struct str){(char *)head, sizeof head});
	buf_add(b, content);
	while (padding-- > 0)
		buf_char(b, '\xa5');
}

/* A preflight as nginx sends it, with a piece of the input as its Origin. */
static void
add_preflight(struct buf *b, unsigned id, struct str origin)
{
	static const char *const params[][2] = {
		{"REQUEST_METHOD", "OPTIONS"}, {"REQUEST_URI", "/v1"},
		{"HTTP_HOST", "api.example.com"},
		{"HTTP_ACCESS_CONTROL_REQUEST_METHOD", "PUT"},
	};
	char space[1024];
	struct buf pairs = BUF(space);

	for (size_t i = 0; i < sizeof params / sizeof *params; i++) {
		buf_char(&pairs, (char)strlen(params[i][0]));
		buf_char(&pairs, (char)strlen(params[i][1]));
		buf_add(&pairs, str_of(params[i][0]));
		buf_add(&pairs, str_of(params[i][1]));
	}
	buf_char(&pairs, 11);
	buf_char(&pairs, (char)origin.n);
	buf_add(&pairs, STR("HTTP_ORIGIN"));
	buf_add(&pairs, origin);
	add_record(b, RECORD_PARAMS, id, buf_str(&pairs), 0);
	add_record(b, RECORD_PARAMS, id, STR(""), 0);
}

/* Records: a type, of which the upper bits choose the id and a padding, and a
 * length with that many bytes. */
static void
make_records(struct str in, struct buf *b)
{
	while (in.n > 0 && !b->full) {
		unsigned kind = next(&in), id = (kind >> 4 & 3) % 3;
		struct str content;
		char begin[8] = {0, 1, 0, 0, 0, 0, 0, 0};

		content = (struct str){in.p + (in.n > 0), next(&in)};
		if (content.n > in.n)
			content.n = in.n;
		in = str_from(in, content.n);
		if ((kind & 15) == RECORD_BEGIN_REQUEST && (kind & 64)) {
			begin[1] = (char)(content.n % 4);
			begin[2] = (char)(kind >> 7);
			content = (struct str){begin, sizeof begin};
		}
		if ((kind & 15) == 15)
			add_preflight(b, id, (struct str){content.p,
			    content.n & 127});
		else
			add_record(b, kind & 15, id, content,
			    kind & 128 ? 255 - (unsigned)content.n % 8 : 0);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct worker *w;
	static struct output whole, cut;
	static struct begun begun;
	static char space[BYTES_MAX];
	struct buf made = BUF(space);
	struct str in = {(const char *)data, size};
	size_t piece;

	if (w == NULL)
		w = worker_make();
	if (size > TEXT_MAX)
		return 0;
	piece = next(&in);
	if (piece & 128) {
		make_records(in, &made);
		in = buf_str(&made);
	}
	talk(w, in, BYTES_MAX, &whole);
	begun_find(&begun, in);
	check_output(&whole, &begun);
	talk(w, in, 1 + (piece & 63), &cut);
	HOLDS(whole.n == cut.n && memcmp(whole.bytes, cut.bytes, cut.n) == 0);
	return 0;
}
