#include "config.h"

#include "verify/http.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

enum { MS = 1000, NS_PER_MS = 1000000 };

/* ---- libcurl ----------------------------------------------------------- */

/* What is called of it.  It is loaded when the first HTTP request is to be
 * made: it brings thirty libraries with it, which took most of the time of a
 * start and of the memory of a server that never asks for anything. */
#define CURL_FUNCTIONS(X)                                                      \
	X(global_init) X(global_cleanup) X(easy_init) X(easy_setopt)           \
	X(easy_perform) X(easy_strerror) X(easy_cleanup) X(slist_append)       \
	X(slist_free_all)

static struct {
#define MEMBER(name) __typeof__(curl_##name) *(name);
	CURL_FUNCTIONS(MEMBER)
#undef MEMBER
} curl;

/* Sets the function pointer of size bytes at `to`: ISO C converts no object
 * pointer to one. */
static bool
find(void *library, const char *name, void *to, size_t size)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL || size != sizeof symbol)
		return false;
	memcpy(to, &symbol, size);
	return true;
}

/* The library stays loaded until the program ends.  Returns 0, or -1 with a
 * message on stderr and errno ELIBACC. */
static int
load_curl(void)
{
	void *library = dlopen(CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const char *why;

#define FIND(name) \
	    && find(library, "curl_" #name, &curl.name, sizeof curl.name)
	if (library != NULL CURL_FUNCTIONS(FIND))
		return 0;
#undef FIND
	why = dlerror();
	fprintf(stderr, "preflightd: cannot load libcurl: %s\n"
	    "  install it (Debian: libcurl4)\n", why != NULL ? why :
	    CURL_LIBRARY);
	if (library != NULL)
		(void)dlclose(library);
	errno = ELIBACC;
	return -1;
}

/* ---- state ------------------------------------------------------------ */

struct http {
	CURL *easy;
	struct curl_slist *resolve;
	unsigned long interval;     /* ms between requests */
	int64_t next;               /* ms: when the next one may start */
	char error[CURL_ERROR_SIZE];
};

/* An answer as it comes. */
struct receiving {
	struct arena *arena;
	struct header *items;
	size_t count, cap;
	int status;
	bool whole;                 /* its headers are there */
	size_t head, body;          /* bytes */
	int64_t body_start;         /* ms */
	bool no_memory;
};

/* ---- turns ------------------------------------------------------------- */

static int64_t
now_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * MS + t.tv_nsec / NS_PER_MS;
}

static void
await_turn(struct http *h)
{
	struct timespec until = {(time_t)(h->next / MS),
	    (long)(h->next % MS) * NS_PER_MS};

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) ==
	    EINTR)
		;
	h->next = now_ms() + (int64_t)h->interval;
}

/* ---- the answer -------------------------------------------------------- */

/* Notes the status of a line such as "HTTP/1.1 204 No Content". */
static void
take_status(struct receiving *r, struct str line)
{
	const char *space = memchr(line.p, ' ', line.n);
	int status = 0;

	r->count = 0;
	r->whole = false;
	if (space != NULL) {
		line = str_trim_lines(str_from(line, (size_t)(space - line.p)));
		for (size_t i = 0; i < 3 && i < line.n; i++)
			if (line.p[i] >= '0' && line.p[i] <= '9')
				status = status * 10 + (line.p[i] - '0');
	}
	r->status = status;
}

/* "Name: value".  Lines without a colon, and folded ones, which no server
 * should send any more, are passed over.  Returns 0, or -1 without memory. */
static int
take_header(struct receiving *r, struct str line)
{
	const char *colon = memchr(line.p, ':', line.n);
	struct header *items;
	struct str copy;

	if (colon == NULL || strchr(" \t\r\n", line.p[0]) != NULL)
		return 0;
	copy = arena_str(r->arena, line);
	items = arena_grow(r->arena, r->items, r->count, &r->cap,
	    sizeof(*items));
	if (copy.p == NULL || items == NULL)
		return -1;
	r->items = items;
	line = (struct str){copy.p, (size_t)(colon - line.p)};
	r->items[r->count++] = (struct header){str_trim_lines(line),
	    str_trim_lines(str_from(copy, line.n + 1))};
	return 0;
}

static size_t
on_header(char *p, size_t size, size_t count, void *ctx)
{
	struct receiving *r = ctx;
	struct str line = {p, size * count};

	r->head += line.n;
	if (r->head > HTTP_HEAD_MAX)
		return 0;
	if (str_starts(line, STR("HTTP/"))) {
		take_status(r, line);
	} else if (str_trim_lines(line).n == 0) {
		/* Before it there may be others, such as 103 Early Hints. */
		r->whole = r->status >= 200;
		r->body_start = now_ms();
	} else if (!r->whole && take_header(r, line) != 0) {
		r->no_memory = true;
		return 0;
	}
	return line.n;
}

static size_t
on_body(char *p, size_t size, size_t count, void *ctx)
{
	struct receiving *r = ctx;

	(void)p;
	r->body += size * count;
	return r->body <= HTTP_BODY_MAX ? size * count : 0;
}

/* Ends the wait for a body that does not end, as that of an event stream. */
static int
on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct receiving *r = ctx;

	(void)a, (void)b, (void)c, (void)d;
	return r->whole && now_ms() - r->body_start > HTTP_BODY_TIME;
}

/* ---- options ----------------------------------------------------------- */

/* Adds a copy of text to *list.  Returns 0, or -1 without memory. */
static int
slist_add(struct curl_slist **list,
    const char *text)
{
	struct curl_slist *longer = curl.slist_append(*list, text);

	if (longer == NULL)
		return -1;
	*list = longer;
	return 0;
}

#define SET(option, value) (curl.easy_setopt(c, option, value) == CURLE_OK)

/* What holds for every request.  Returns 0 or -1. */
static int
set_options(struct http *h, const struct http_options *o)
{
	CURL *c = h->easy;
	long timeout = (long)o->timeout * MS;

	if (!SET(CURLOPT_ERRORBUFFER, h->error) ||
	    !SET(CURLOPT_PROTOCOLS_STR, "http,https") ||
	    !SET(CURLOPT_USERAGENT, PACKAGE_NAME "/" PACKAGE_VERSION) ||
	    !SET(CURLOPT_PATH_AS_IS, 1L) ||
	    !SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L) ||
	    !SET(CURLOPT_TIMEOUT_MS, timeout) ||
	    !SET(CURLOPT_CONNECTTIMEOUT_MS, timeout) ||
	    !SET(CURLOPT_HEADERFUNCTION, on_header) ||
	    !SET(CURLOPT_WRITEFUNCTION, on_body) ||
	    !SET(CURLOPT_XFERINFOFUNCTION, on_progress) ||
	    !SET(CURLOPT_NOPROGRESS, 0L) ||
	    (o->cacert != NULL && !SET(CURLOPT_CAINFO, o->cacert)) ||
	    (!o->proxy && !SET(CURLOPT_PROXY, "")))
		return -1;
	for (size_t i = 0; i < o->nresolve; i++)
		if (slist_add(&h->resolve, o->resolve[i]) != 0)
			return -1;
	return SET(CURLOPT_RESOLVE, h->resolve) ? 0 : -1;
}

struct http *
http_new(const struct http_options *o)
{
	struct http *h = calloc(1, sizeof(*h));

	if (h == NULL || load_curl() != 0 ||
	    curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(h);
		return NULL;
	}
	h->interval = o->rate > 0 ? MS / o->rate : 0;
	h->easy = curl.easy_init();
	if (h->easy == NULL || set_options(h, o) != 0) {
		http_free(h);
		return NULL;
	}
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	curl.easy_cleanup(h->easy);
	curl.slist_free_all(h->resolve);
	curl.global_cleanup();
	free(h);
}

/* ---- the request ------------------------------------------------------- */

static int
add_header(struct curl_slist **list,
    const struct header *h, struct arena *a)
{
	size_t cap = h->name.n + h->value.n + sizeof ": ";
	struct buf line = {arena_alloc(a, cap), 0, cap, false};

	if (line.p == NULL)
		return -1;
	buf_add(&line, h->name);
	/* libcurl's way to write a header without a value. */
	buf_add(&line, h->value.n > 0 ? STR(": ") : STR(";"));
	buf_add(&line, h->value);
	return slist_add(list, buf_cstr(&line));
}

static int
add_headers(struct curl_slist **list,
    const struct http_request *r, struct arena *a)
{
	for (size_t i = 0; i < r->headers.count; i++)
		if (add_header(list, &r->headers.items[i], a) != 0)
			return -1;
	return str_eq(r->method, STR("POST")) ||
	    str_eq(r->method, STR("PUT")) || str_eq(r->method, STR("PATCH")) ?
	    slist_add(list, "Content-Length: 0") : 0;
}

static int
set_request(struct http *h, const struct http_request *r,
    struct curl_slist *headers, struct receiving *to)
{
	struct str url = arena_str(to->arena, r->url);
	struct str method = arena_str(to->arena, r->method);
	long head = str_eq(r->method, STR("HEAD"));
	CURL *c = h->easy;

	return url.p != NULL && method.p != NULL && SET(CURLOPT_HTTPGET, 1L) &&
	    SET(CURLOPT_NOBODY, head) &&
	    SET(CURLOPT_CUSTOMREQUEST, method.p) && SET(CURLOPT_URL, url.p) &&
	    SET(CURLOPT_HTTPHEADER, headers) && SET(CURLOPT_HEADERDATA, to) &&
	    SET(CURLOPT_WRITEDATA, to) && SET(CURLOPT_XFERINFODATA, to) ?
	    0 : -1;
}

/* ---- what became of it ------------------------------------------------- */

static enum http_outcome
outcome_of(CURLcode code)
{
	static const struct {
		CURLcode code;
		enum http_outcome outcome;
	} known[] = {
		{CURLE_OPERATION_TIMEDOUT, HTTP_TIMED_OUT},
		{CURLE_SSL_CONNECT_ERROR, HTTP_NO_TLS},
		{CURLE_PEER_FAILED_VERIFICATION, HTTP_NO_TLS},
		{CURLE_SSL_CERTPROBLEM, HTTP_NO_TLS},
		{CURLE_SSL_CIPHER, HTTP_NO_TLS},
		{CURLE_SSL_CACERT_BADFILE, HTTP_NO_TLS},
		{CURLE_SSL_ISSUER_ERROR, HTTP_NO_TLS},
		{CURLE_UNSUPPORTED_PROTOCOL, HTTP_NO_HTTP},
		{CURLE_WEIRD_SERVER_REPLY, HTTP_NO_HTTP},
		{CURLE_GOT_NOTHING, HTTP_NO_HTTP},
		{CURLE_WRITE_ERROR, HTTP_NO_HTTP},
		{CURLE_HTTP2, HTTP_NO_HTTP},
		{CURLE_HTTP2_STREAM, HTTP_NO_HTTP},
		{CURLE_OK, HTTP_NO_HTTP},
	};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (known[i].code == code)
			return known[i].outcome;
	return HTTP_UNREACHABLE;
}

/* Returns 0, or -1 without memory. */
static int
conclude(const struct http *h, CURLcode code, const struct receiving *r,
    struct http_result *out)
{
	const char *why = h->error[0] != '\0' ? h->error :
	    curl.easy_strerror(code);

	*out = (struct http_result){.outcome = HTTP_ANSWERED};
	if (r->no_memory || code == CURLE_OUT_OF_MEMORY)
		return -1;
	if (r->whole) {
		out->answer = (struct browser_answer){r->status,
		    {r->items, r->count}};
		return 0;
	}
	out->outcome = outcome_of(code);
	if (r->head > HTTP_HEAD_MAX)
		why = "more than 128 KiB of headers";
	out->error = arena_str(r->arena, str_of(why));
	return out->error.p != NULL ? 0 : -1;
}

int
http_ask(struct http *h, const struct http_request *r, struct arena *a,
    struct http_result *out)
{
	struct receiving to = {.arena = a};
	struct curl_slist *headers = NULL;
	int ret = -1;

	if (add_headers(&headers, r, a) != 0 ||
	    set_request(h, r, headers, &to) != 0)
		goto out;
	await_turn(h);
	h->error[0] = '\0';
	ret = conclude(h, curl.easy_perform(h->easy), &to, out);
out:
	(void)curl.easy_setopt(h->easy, CURLOPT_HTTPHEADER, NULL);
	curl.slist_free_all(headers);
	return ret;
}
