#include "config.h"

#include "core/policy_render.h"

#include "base/buf.h"

static const struct {
	int status;
	const char *phrase;
} phrases[] = {
	{200, "OK"}, {201, "Created"}, {202, "Accepted"},
	{203, "Non-Authoritative Information"}, {204, "No Content"},
	{205, "Reset Content"}, {206, "Partial Content"},
	{400, "Bad Request"}, {401, "Unauthorized"}, {402, "Payment Required"},
	{403, "Forbidden"}, {404, "Not Found"}, {405, "Method Not Allowed"},
	{406, "Not Acceptable"}, {409, "Conflict"}, {410, "Gone"},
	{418, "I'm a teapot"}, {421, "Misdirected Request"},
	{422, "Unprocessable Content"}, {429, "Too Many Requests"},
	{451, "Unavailable For Legal Reasons"}, {500, "Internal Server Error"},
	{501, "Not Implemented"}, {502, "Bad Gateway"},
	{503, "Service Unavailable"},
};

static const char *
phrase_of(int status)
{
	for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
		if (phrases[i].status == status)
			return phrases[i].phrase;
	return status < 300 ? "Success" : status < 500 ? "Refused" : "Error";
}

static void
add_status(struct buf *b, int status)
{
	buf_add(b, STR("Status: "));
	buf_uint(b, (unsigned long)status);
	buf_char(b, ' ');
	buf_add(b, str_of(phrase_of(status)));
	buf_add(b, STR("\r\n"));
	if (status != 204)
		buf_add(b, STR("Content-Length: 0\r\n"));
}

struct str
status_line_render(int status, struct arena *a)
{
	char space[128];
	struct buf b = BUF(space);

	add_status(&b, status);
	return arena_str(a, buf_str(&b));
}

static size_t
names_size(const struct field_set *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->items[i].name.n + 2;
	return n;
}

static void
add_separated(struct buf *b, bool *first, struct str name)
{
	if (!*first)
		buf_add(b, STR(", "));
	*first = false;
	buf_add(b, name);
}

static void
add_names(struct buf *b, const struct field_set *s)
{
	bool first = true;

	for (size_t i = 0; i < s->count; i++)
		add_separated(b, &first, s->items[i].name);
}

static void
add_field(struct buf *b, struct str name, const struct field_set *s)
{
	if (s->count == 0)
		return;
	buf_add(b, name);
	add_names(b, s);
	buf_add(b, STR("\r\n"));
}

/* A '*' answers for every name but Authorization, which is listed beside it
 * (Fetch, CORS non-wildcard request-header name). */
static void
add_headers(struct buf *b, const struct policy *p)
{
	const struct field_item *item;

	if (!p->headers.any) {
		add_field(b, STR("Access-Control-Allow-Headers: "),
		    &p->headers);
		return;
	}
	if (p->credentials)
		return; /* a literal '*': response.c answers by name */
	buf_add(b, STR("Access-Control-Allow-Headers: *"));
	item = field_set_find(&p->headers, STR("authorization"));
	if (item != NULL) {
		buf_add(b, STR(", "));
		buf_add(b, item->name);
	}
	buf_add(b, STR("\r\n"));
}

static void
add_methods(struct buf *b, const struct policy *p)
{
	if (!p->methods.any)
		add_field(b, STR("Access-Control-Allow-Methods: "),
		    &p->methods);
	else if (!p->credentials)
		buf_add(b, STR("Access-Control-Allow-Methods: *\r\n"));
}

static void
add_credentials(struct buf *b, const struct policy *p)
{
	if (p->credentials)
		buf_add(b, STR("Access-Control-Allow-Credentials: true\r\n"));
}

static void
add_grant(struct buf *b, const struct policy *p)
{
	add_status(b, p->success_status);
	buf_add(b, STR("Access-Control-Allow-Origin: "));
	if (origin_set_any(p->origins))
		buf_char(b, '*');
}

static void
add_grant_tail(struct buf *b, const struct policy *p)
{
	buf_add(b, STR("\r\n"));
	add_credentials(b, p);
	add_methods(b, p);
	add_headers(b, p);
	if (p->max_age != MAX_AGE_UNSET) {
		buf_add(b, STR("Access-Control-Max-Age: "));
		buf_uint(b, (unsigned long)p->max_age);
		buf_add(b, STR("\r\n"));
	}
	buf_add(b, STR(POLICY_VARY));
}

static void
add_actual(struct buf *b, const struct policy *p)
{
	add_credentials(b, p);
	if (p->expose.any)
		buf_add(b, STR("Access-Control-Expose-Headers: *\r\n"));
	else
		add_field(b, STR("Access-Control-Expose-Headers: "),
		    &p->expose);
}

/* The methods that a '*' stands for cannot be listed: those that every browser
 * may send are. */
static const char *const usual[] = {"GET", "HEAD", "POST", "PUT", "PATCH",
    "DELETE"};

bool
policy_star_lists(struct str method)
{
	for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
		if (str_eq(method, str_of(usual[i])))
			return true;
	return str_eq(method, STR("OPTIONS"));
}

static void
add_plain_allow(struct buf *b, const struct policy *p)
{
	bool first = true;

	buf_add(b, STR("Allow: "));
	add_separated(b, &first, STR("OPTIONS"));
	if (p->methods.any) {
		for (size_t i = 0; i < sizeof usual / sizeof *usual; i++)
			if (field_set_find(&p->methods,
			        str_of(usual[i])) == NULL)
				add_separated(b, &first, str_of(usual[i]));
	}
	for (size_t i = 0; i < p->methods.count; i++)
		if (!str_eq(p->methods.items[i].name, STR("OPTIONS")))
			add_separated(b, &first, p->methods.items[i].name);
	buf_add(b, STR("\r\n"));
}

static int
render(struct str *to, void (*add)(struct buf *, const struct policy *),
    const struct policy *p, struct arena *a)
{
	size_t size = 512 + names_size(&p->methods) + names_size(&p->headers) +
	    names_size(&p->expose);
	struct buf b = {arena_alloc(a, size), 0, size, false};

	if (b.p == NULL)
		return -1;
	add(&b, p);
	*to = buf_str(&b);
	return b.full ? -1 : 0;
}

int
policy_render(struct policy *p, struct arena *a)
{
	p->refuse_line = status_line_render(p->refuse_status, a);
	if (p->refuse_line.p == NULL)
		return -1;
	return render(&p->grant, add_grant, p, a) == 0 &&
	        render(&p->grant_tail, add_grant_tail, p, a) == 0 &&
	        render(&p->actual_tail, add_actual, p, a) == 0 &&
	        render(&p->plain_allow, add_plain_allow, p, a) == 0 ? 0 : -1;
}

size_t
policy_answer_max(const struct policy *p)
{
	enum { FIXED = 256, ORIGIN = 400 };
	bool echoes = p->credentials && (p->methods.any || p->headers.any);

	return FIXED + ORIGIN + p->grant_tail.n + (echoes ? 2 * ECHO_MAX : 0);
}
