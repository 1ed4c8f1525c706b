#include "config.h"

#include "make_policies.h"

/* What the bytes choose from. */
static const char *const hosts[] = {"*", "api.example.com", "*.example.com",
    "*.api.example.com", "localhost", "[::1]", "a_b.test", "127.0.0.1"};
static const char *const paths[] = {"/", "/v1", "/v1/items", "/v10", "/public",
    "/v1/a-b", "/.well-known", "/V1"};
static const char *const origins[] = {"https://app.example.com",
    "https://*.example.com", "http://localhost:*", "https://*.example.com:*",
    "http://[::1]:9090", "chrome-extension://abcdef",
    "https://*.app.example.com:8443", "http://127.0.0.1:*"};
static const char *const methods[] = {"GET", "PUT", "DELETE", "PATCH",
    "OPTIONS", "x-Own", "QUERY", "HEAD"};
static const char *const fields[] = {"Content-Type", "Authorization",
    "X-Token", "x-b.c", "If-Match", "X-A", "ETag", "Link"};

enum { CHOICES = 8 };

static unsigned
next(struct str *bytes)
{
	unsigned char c = 0;

	if (bytes->n > 0) {
		c = (unsigned char)bytes->p[0];
		*bytes = str_from(*bytes, 1);
	}
	return c;
}

/* Adds the choices whose bits are set, and star where it is one. */
static void
add_list(struct buf *out, const char *key, const char *const *choices,
    unsigned bits, const char *star)
{
	buf_add(out, str_of(key));
	buf_add(out, STR(" ="));
	for (size_t i = 0; i < CHOICES; i++)
		if (bits >> i & 1) {
			buf_char(out, ' ');
			buf_add(out, str_of(choices[i]));
		}
	if (star != NULL) {
		buf_char(out, ' ');
		buf_add(out, str_of(star));
	}
	buf_char(out, '\n');
}

static void
add_number(struct buf *out, const char *key, unsigned value)
{
	buf_add(out, str_of(key));
	buf_add(out, STR(" = "));
	buf_uint(out, value);
	buf_char(out, '\n');
}

static void
add_scalars(struct buf *out, unsigned flags, struct str *bytes)
{
	if (flags & 1)
		add_number(out, "success-status", 200 + next(bytes) % 100);
	if (flags & 2)
		add_number(out, "refuse-status", 400 + next(bytes) % 200);
	if (flags & 4)
		add_number(out, "max-age", next(bytes) * 300);
	if (flags & 8)
		buf_add(out, STR("debug = yes\n"));
}

/* One host or two, and the same of paths: more would claim the same. */
static unsigned
one_or_two(struct str *bytes)
{
	unsigned c = next(bytes);

	return 1U << (c & 7) | (c & 0x80 ? 1U << (c >> 3 & 7) : 0);
}

static void
add_policy(struct buf *out, unsigned number, struct str *bytes)
{
	unsigned flags = next(bytes), stars = next(bytes);
	bool credentials = flags & 16;

	buf_add(out, STR("[policy p"));
	buf_uint(out, number);
	buf_add(out, STR("]\n"));
	add_list(out, "host", hosts, one_or_two(bytes), NULL);
	add_list(out, "path", paths, one_or_two(bytes), NULL);
	add_list(out, "allow-origins", origins, next(bytes) | !(stars & 3),
	    credentials ? NULL : stars & 1 ? "*" : stars & 2 ? "null" : NULL);
	if (flags & 32)
		add_list(out, "allow-methods", methods, next(bytes),
		    stars & 4 ? "*" : NULL);
	if (flags & 64)
		add_list(out, "allow-headers", fields, next(bytes),
		    stars & 8 ? "*" : NULL);
	if (flags & 128)
		add_list(out, "expose-headers", fields, next(bytes),
		    stars & 16 && !credentials ? "*" : NULL);
	add_scalars(out, flags, bytes);
	if (credentials)
		buf_add(out, STR("allow-credentials = yes\n"
		    "insecure-origins = allow\npublic-suffixes = allow\n"));
}

void
make_policies(struct str bytes, struct buf *out)
{
	unsigned first = next(&bytes), count = 1 + (first >> 4) % 5;

	buf_add(out, STR("[defaults]\n"));
	add_scalars(out, first & 15, &bytes);
	for (unsigned i = 0; i < count; i++)
		add_policy(out, i, &bytes);
}
