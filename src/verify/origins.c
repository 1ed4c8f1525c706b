#include "config.h"

#include "verify/origins.h"

#include "base/buf.h"
#include "core/origin.h"

/* A host that is nobody's (RFC 2606). */
#define NOBODY "cors-check.invalid"

enum { EXACT_MAX = 2, PATTERNS_MAX = 2, TEXT_MAX = 1024 };

struct picking {
	const struct origin_set *set;
	struct arena *arena;
	struct verify_origins *out;
	struct origin models[EXACT_MAX + PATTERNS_MAX]; /* to be mistaken for */
	size_t nmodels;
	size_t exact, patterns, nulls;
	bool no_memory;
};

/* ---- allowed ----------------------------------------------------------- */

static struct str
keep(struct picking *p, const struct buf *text)
{
	struct str copy = arena_str(p->arena, buf_str(text));

	p->no_memory = p->no_memory || copy.p == NULL;
	return copy.p != NULL ? copy : STR("");
}

static void
add_host(struct buf *b, struct str scheme, const char *before, struct str host,
    const char *behind)
{
	buf_add(b, scheme);
	buf_add(b, STR("://"));
	buf_add(b, str_of(before));
	buf_add(b, host);
	buf_add(b, str_of(behind));
}

static void
add_port(struct buf *b, int port)
{
	if (port == ORIGIN_PORT_DEFAULT)
		return;
	buf_char(b, ':');
	buf_uint(b, port == ORIGIN_PORT_ANY ? 8443 : (unsigned long)port);
}

/* An origin that the entry allows. */
static struct str
instance(struct picking *p, const struct origin *o)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	if (o->kind != ORIGIN_PATTERN)
		return o->text;
	add_host(&b, o->scheme, o->subdomains ? "cors-check." : "", o->host,
	    "");
	add_port(&b, o->port);
	return keep(p, &b);
}

/* Whether enough entries of this kind have been taken. */
static bool
has_enough(struct picking *p, enum origin_kind kind)
{
	switch (kind) {
	case ORIGIN_EXACT:
		return p->exact++ >= EXACT_MAX;
	case ORIGIN_PATTERN:
		return p->patterns++ >= PATTERNS_MAX;
	case ORIGIN_NULL:
		return p->nulls++ >= 1;
	case ORIGIN_ANY:
	default:
		return true;
	}
}

/* Takes an entry as a sample; returns 1 where no more are wanted. */
static int
take_entry(void *ctx, const struct origin_entry *e)
{
	struct picking *p = ctx;
	struct origin o;
	struct str text;

	if (has_enough(p, e->kind) ||
	    origin_parse(e->text, &o, NULL, (struct place){0, 0, 0}) != 0)
		return 0;
	text = instance(p, &o);
	if (!origin_set_match(p->set, text, NULL))
		return 0;
	p->out->allowed[p->out->nallowed++] = text;
	if (o.kind != ORIGIN_NULL)
		p->models[p->nmodels++] = o;
	return p->out->nallowed == SAMPLES_ALLOWED;
}

/* ---- not allowed ------------------------------------------------------- */

/* Takes text, if it is an origin that is refused and not yet there. */
static void
take_near(struct picking *p, const struct buf *text)
{
	struct verify_origins *out = p->out;
	struct str s = buf_str(text);
	struct origin o;

	if (text->full || out->nnear == SAMPLES_NEAR ||
	    origin_set_match(p->set, s, NULL) ||
	    origin_parse(s, &o, NULL, (struct place){0, 0, 0}) != 0)
		return;
	for (size_t i = 0; i < out->nnear; i++)
		if (str_eq(out->near[i], s))
			return;
	out->near[out->nnear++] = keep(p, text);
}

/* A dot that a regular expression takes for any byte. */
static void
near_dot(struct picking *p, const struct origin *o, const char *before)
{
	const char *dot = memchr(o->host.p, '.', o->host.n);
	char host[TEXT_MAX], space[TEXT_MAX];
	struct buf h = BUF(host), b = BUF(space);

	if (dot == NULL)
		return;
	buf_add(&h, (struct str){o->host.p, (size_t)(dot - o->host.p)});
	buf_char(&h, 'x');
	buf_add(&h, str_from(o->host, (size_t)(dot - o->host.p) + 1));
	add_host(&b, o->scheme, before, buf_str(&h), "");
	add_port(&b, o->port);
	take_near(p, &b);
}

static void
near_host(struct picking *p, const struct origin *o, const char *before,
    const char *behind)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_host(&b, o->scheme, before, o->host, behind);
	add_port(&b, o->port);
	take_near(p, &b);
}

static void
near_scheme(struct picking *p, const struct origin *o, const char *before)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);
	bool secure = str_eq(o->scheme, STR("https"));

	if (!secure && !str_eq(o->scheme, STR("http")))
		return;
	add_host(&b, secure ? STR("http") : STR("https"), before, o->host, "");
	add_port(&b, o->port);
	take_near(p, &b);
}

static void
near_port(struct picking *p, const struct origin *o, const char *before)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	add_host(&b, o->scheme, before, o->host, "");
	add_port(&b, o->port == ORIGIN_PORT_DEFAULT ? 8443 :
	    ORIGIN_PORT_DEFAULT);
	take_near(p, &b);
}

/* What a careless comparison takes for o. */
static void
take_near_ones(struct picking *p, const struct origin *o)
{
	const char *label = o->subdomains ? "cors-check." : "";

	near_scheme(p, o, label);
	near_port(p, o, label);
	if (o->host_kind != HOST_NAME)
		return;
	near_host(p, o, label, "." NOBODY);
	near_host(p, o, "cors-check", "");
	near_host(p, o, o->subdomains ? "" : "cors-check.", "");
	near_dot(p, o, label);
}

static void
take_refused(struct picking *p)
{
	char space[TEXT_MAX];
	struct buf b = BUF(space);

	for (size_t i = 0; i < p->nmodels; i++)
		take_near_ones(p, &p->models[i]);
	buf_add(&b, STR("null"));
	take_near(p, &b);
}

int
verify_origins_pick(const struct origin_set *s, struct arena *a,
    struct verify_origins *out)
{
	struct picking p = {.set = s, .arena = a, .out = out};

	*out = (struct verify_origins){.foreign = STR("https://" NOBODY)};
	if (s == NULL)
		return 0;
	if (origin_set_any(s)) {
		out->allowed[out->nallowed++] = out->foreign;
		out->allowed[out->nallowed++] = STR("https://second." NOBODY);
		out->foreign = STR("");
		return 0;
	}
	(void)origin_set_each(s, take_entry, &p);
	take_refused(&p);
	if (origin_set_match(s, out->foreign, NULL))
		out->foreign = STR("");
	return p.no_memory ? -1 : 0;
}
