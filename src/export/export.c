/* export.c - what the configurations of all servers are made of, and
 * what keeps a policy from being written for one. */
#include "config.h"

#include "export/export.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/parse.h"
#include "core/host.h"
#include "core/policy_impl.h"
#include "core/response.h"
#include "export/marker.h"
#include "export/regex.h"

static const struct export_server *const servers[] = {
	&export_nginx, &export_lighttpd, &export_apache, &export_haproxy,
	&export_caddy,
};

const struct export_server *
export_server_get(size_t i)
{
	return i < sizeof servers / sizeof *servers ? servers[i] : NULL;
}

const struct export_server *
export_server_named(struct str name)
{
	const struct export_server *server;

	for (size_t i = 0; (server = export_server_get(i)) != NULL; i++)
		if (str_eq(name, str_of(server->name)))
			return server;
	return NULL;
}

/* ---- the socket -------------------------------------------------------- */

static bool
is_harmless(struct str s)
{
	static const char others[] = "-._/+@:[]";

	for (size_t i = 0; i < s.n; i++) {
		char c = s.p[i];

		if (!host_byte_valid(ascii_lower((unsigned char)c)) &&
		    memchr(others, c, sizeof others - 1) == NULL)
			return false;
	}
	return true;
}

const char *const export_fields[EXPORT_FIELDS] = {
	"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
	"Access-Control-Expose-Headers"};

int
export_path_parse(const char *text, struct str *out)
{
	*out = str_of(text);
	return is_harmless(*out) && out->n > 1 && out->p[0] == '/' &&
	    memchr(out->p, ':', out->n) == NULL ? 0 : -1;
}

int
export_socket_parse(const char *text, struct export_socket *out)
{
	struct str s = str_of(text), port;
	struct host_check check;
	int number;

	*out = (struct export_socket){.port = 0};
	if (!is_harmless(s))
		return -1;
	if (str_starts(s, STR("unix:")))
		return export_path_parse(text + 5, &out->path);
	(void)host_port_split(s, &out->host, &port);
	number = port_parse(port);
	if (number == -1 || port.p[0] == '0')
		return -1;
	out->port = (unsigned)number;
	host_judge(out->host, true, &check);
	return check.fault == HOST_OK ? 0 : -1;
}

void
export_socket(const struct export *e, const char *unix_lead)
{
	const struct export_socket *s = &e->options->socket;

	if (s->path.n > 0)
		fprintf(e->to, "%s%.*s", unix_lead, STR_ARG(s->path));
	else
		fprintf(e->to, "%.*s:%u", STR_ARG(s->host), s->port);
}

/* ---- hosts and paths --------------------------------------------------- */

/* The most specific first: exact hosts, then those with the longest suffix,
 * then '*'. */
static int
compare_nodes(const void *left, const void *right)
{
	const struct host_node *const *a = left, *const *b = right;
	int rank_a = (*a)->host.n == 0 ? 2 : (*a)->subdomains;
	int rank_b = (*b)->host.n == 0 ? 2 : (*b)->subdomains;

	if (rank_a != rank_b)
		return rank_a - rank_b;
	if (rank_a == 1 && (*a)->host.n != (*b)->host.n)
		return (*a)->host.n > (*b)->host.n ? -1 : 1;
	return str_compare((*a)->host, (*b)->host);
}

static size_t
policy_number(const struct policy_set *s, const struct policy *p)
{
	size_t low = 0, high = policy_set_count(s);

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (str_compare(policy_set_sorted(s, middle)->name,
		        p->name) > 0)
			high = middle;
		else
			low = middle;
	}
	return low + 1;
}

static int
compare_paths(const void *left, const void *right)
{
	const struct export_path *a = left, *b = right;

	if (a->text.n != b->text.n)
		return a->text.n > b->text.n ? -1 : 1;
	return str_compare(a->text, b->text);
}

static int
fill_host(struct export *e, const struct host_node *node, struct arena *a,
    struct export_host *out)
{
	struct export_path *paths = arena_array(a, node->nroutes + 1,
	    sizeof *paths);

	if (paths == NULL)
		return -1;
	for (size_t i = 0; i < node->nroutes; i++)
		paths[i] = (struct export_path){node->routes[i].path,
		    policy_number(e->set, node->routes[i].policy)};
	qsort(paths, node->nroutes, sizeof *paths, compare_paths);
	*out = (struct export_host){.name = node->host,
	    .subdomains = node->subdomains,
	    .by_path = node->differs_by_path, .paths = paths,
	    .npaths = node->nroutes};
	return 0;
}

static int
fill_hosts(struct export *e, struct arena *a)
{
	const struct policy_set *s = e->set;
	const struct host_node **nodes = arena_array(a, s->nnodes + 1,
	    sizeof *nodes);
	struct export_host *hosts = arena_array(a, s->nnodes + 1,
	    sizeof *hosts);

	if (nodes == NULL || hosts == NULL)
		return -1;
	for (size_t i = 0; i < s->nnodes; i++)
		nodes[i] = &s->nodes[i];
	qsort(nodes, s->nnodes, sizeof *nodes, compare_nodes);
	for (size_t i = 0; i < s->nnodes; i++) {
		if (fill_host(e, nodes[i], a, &hosts[i]) != 0)
			return -1;
		e->has_paths = e->has_paths || hosts[i].by_path;
	}
	e->names_hosts = s->names_hosts;
	e->hosts = hosts;
	e->nhosts = s->nnodes;
	return 0;
}

static void
fill_traits(struct export *e)
{
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_get(e->set, i);

		e->has_star = e->has_star || origin_set_any(p->origins);
		e->has_credentials = e->has_credentials || p->credentials;
		e->has_exposed = e->has_exposed || export_exposes(p);
	}
}

/* ---- what a server can't express --------------------------------------- */

struct check {
	const struct export *e;
	const struct export_server *server;
	struct diag *d;
};

static void
check_origins(const struct check *c, const struct policy *p)
{
	size_t n = origin_set_exact(p->origins) +
	    origin_set_patterns(p->origins);

	if (origin_set_any(p->origins) || n <= c->server->origins_max)
		return;
	diag_add(c->d, DIAG_ERROR, p->at[KEY_ALLOW_ORIGINS],
	    "export-origins-many", c->server->can_ask ?
	    "let the server ask preflightd: --actual ask" :
	    "use patterns, or mark actual responses in the application",
	    "policy '%.*s' lists %zu origins; %s goes through %zu at most for "
	    "each request", STR_ARG(p->name), n, c->server->name,
	    c->server->origins_max);
}

static int
check_entry(void *ctx, const struct origin_entry *entry)
{
	enum { REST = 200 }; /* of the line, and what a pattern becomes */
	const struct check *c = ctx;
	struct shown shown;

	if (c->server->line_max == 0 ||
	    2 * entry->text.n + REST <= c->server->line_max)
		return 0;
	diag_add(c->d, DIAG_ERROR, entry->at, "export-line",
	    "leave it out, or mark actual responses in the application",
	    "origin '%s' is too long for a line of %s",
	    buf_shown(&shown, entry->text), c->server->name);
	return 0;
}

static void
check_exposed(const struct check *c, const struct policy *p)
{
	size_t length = 100;
	struct shown shown;

	for (size_t i = 0; i < p->expose.count; i++) {
		const struct field_item *item = &p->expose.items[i];

		length += 2 * item->name.n + 2;
		for (const char *bad = c->server->no_field; *bad != '\0'; bad++)
			if (memchr(item->name.p, *bad, item->name.n) != NULL)
				diag_add(c->d, DIAG_ERROR, item->at,
				    "export-field-name", "rename the header "
				    "field, or take it out of expose-headers",
				    "%s can't write a '%c', which header '%s' "
				    "has", c->server->name, *bad,
				    buf_shown(&shown, item->name));
	}
	if (c->server->line_max > 0 && length > c->server->line_max)
		diag_add(c->d, DIAG_ERROR, p->at[KEY_EXPOSE_HEADERS],
		    "export-line", "expose fewer header fields",
		    "expose-headers is too long for a line of %s",
		    c->server->name);
}

/* Bytes of the longest expression for a path. */
static size_t
path_expression(struct str path, size_t *segments)
{
	enum { SEGMENT = 48, BYTE = 13, LETTER = 10, BEYOND = 9 };
	size_t n = 0;

	*segments = 0;
	for (size_t i = 0; i < path.n; i++)
		if (path.p[i] == '/') {
			n += SEGMENT;
			++*segments;
		} else {
			n += (unsigned char)path.p[i] >= 0x7f ? BEYOND :
			    host_byte_valid(ascii_lower(
			    (unsigned char)path.p[i])) ? LETTER : BYTE;
		}
	return n;
}

static void
check_paths(const struct check *c, const struct policy *p)
{
	enum { REST = 500 }; /* of the line: host and policy */

	for (size_t i = 0; i < p->npaths; i++) {
		struct str path = p->paths[i].text;
		struct shown shown;
		size_t segments, n = path_expression(path, &segments) + REST;

		if (c->e->has_paths && c->server->line_max > 0 &&
		    (n > c->server->line_max || segments > REGEX_SEGMENTS_MAX))
			diag_add(c->d, DIAG_ERROR, p->paths[i].at,
			    "export-line", "write a shorter prefix",
			    "path '%s' is too long for a line of %s",
			    buf_shown(&shown, path), c->server->name);
	}
}

/* An answer to a preflight that the server has no room for. */
static void
check_answer(const struct check *c, const struct policy *p)
{
	const struct {
		const struct field_set *names;
		enum policy_key key;
		const char *text;
	} lists[] = {
		{&p->methods, KEY_ALLOW_METHODS, "allow-methods"},
		{&p->headers, KEY_ALLOW_HEADERS, "allow-headers"},
	};

	for (size_t i = 0; c->server->field_max > 0 && i < 2; i++) {
		size_t n = 40;

		for (size_t k = 0; k < lists[i].names->count; k++)
			n += lists[i].names->items[k].name.n + 2;
		if (n > c->server->field_max)
			diag_add(c->d, DIAG_ERROR, p->at[lists[i].key],
			    "export-field", "list fewer names, or '*'",
			    "%s takes no header field of more than %zu bytes, "
			    "as that of %s is", c->server->name,
			    c->server->field_max, lists[i].text);
	}
	if (c->server->answer_max > 0 &&
	    policy_answer_max(p) > c->server->answer_max)
		diag_add(c->d, DIAG_ERROR, p->section, "export-answer",
		    "list fewer names, or '*'",
		    "policy '%.*s' has answers of up to %zu bytes; %s takes "
		    "%zu at most", STR_ARG(p->name), policy_answer_max(p),
		    c->server->name, c->server->answer_max);
}

static void
check_all(const struct export *e, const struct export_server *server,
    struct diag *d)
{
	struct check c = {e, server, d};

	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_get(e->set, i);

		check_answer(&c, p);
		if (e->options->ask)
			continue;
		check_origins(&c, p);
		(void)origin_set_each(p->origins, check_entry, &c);
		check_exposed(&c, p);
		check_paths(&c, p);
	}
}

/* ---- the pieces -------------------------------------------------------- */

void
export_policy_comment(const struct export *e, const char *lead, size_t number)
{
	const struct policy *p = policy_set_sorted(e->set, number - 1);
	struct shown file;

	fprintf(e->to, "%sp%zu is policy %.*s (%s:%u)\n", lead, number,
	    STR_ARG(p->name), buf_shown(&file, str_of(policy_set_file_name(
	    e->set, p->section.file))), p->section.line);
}

void
export_origins(struct export *e, const struct policy *p,
    void (*fn)(struct export *e, const struct policy *p,
        const struct origin *o))
{
	struct arena a = {NULL};
	size_t count;
	const struct origin_entry *entries = meaning_origins(p->origins, &a,
	    &count);
	struct origin o;

	if (entries == NULL)
		e->failed = true;
	for (size_t i = 0; entries != NULL && i < count; i++)
		if (origin_parse(entries[i].text, &o, NULL,
		        entries[i].at) == 0 && regex_origin_possible(&o))
			fn(e, p, &o);
	arena_clear(&a);
}

bool
export_exposes(const struct policy *p)
{
	return p->expose.any || p->expose.count > 0;
}

void
export_exposed(const struct export *e, const struct policy *p,
    const char *(*lead)(char c))
{
	if (p->expose.any) {
		putc('*', e->to);
		return;
	}
	for (size_t i = 0; i < p->expose.count; i++) {
		struct str name = p->expose.items[i].name;

		if (i > 0)
			fputs(", ", e->to);
		for (size_t k = 0; k < name.n; k++) {
			if (lead != NULL)
				fputs(lead(name.p[k]), e->to);
			putc(name.p[k], e->to);
		}
	}
}

/* ---- the whole --------------------------------------------------------- */

int
export_stream_close(FILE *stream, char *const *text)
{
	/* fclose says nothing of it where the last allocation failed. */
	return fclose(stream) == 0 && *text != NULL ? 0 : -1;
}

/* Writes a part into memory first, as its mark tells of its text. */
static int
write_part(struct export *e, const struct export_server *server,
    const struct export_part *part, FILE *to)
{
	char *text = NULL;
	size_t n;
	int ret = -1;

	e->failed = false;
	e->to = open_memstream(&text, &n);
	if (e->to == NULL)
		return -1;
	part->write(e);
	if (export_stream_close(e->to, &text) != 0 || e->failed)
		goto out;
	export_mark_write(part->comment, server->name, part->name,
	    policy_set_digest(e->set), (struct str){text, n}, to);
	ret = 0;
out:
	free(text);
	return ret;
}

int
export_write(const struct export_server *server, const char *part,
    const struct policy_set *set, const struct export_options *options,
    struct diag *d, FILE *to)
{
	struct export e = {.set = set, .options = options};
	struct arena a = {NULL};
	size_t errors = diag_errors(d);
	int ret = -1;

	if (fill_hosts(&e, &a) != 0)
		goto out;
	fill_traits(&e);
	check_all(&e, server, d);
	if (diag_errors(d) > errors)
		goto out;
	for (const struct export_part *p = server->parts; p->name != NULL; p++)
		if ((part == NULL || strcmp(part, p->name) == 0) &&
		    write_part(&e, server, p, to) != 0)
			goto out;
	ret = 0;
out:
	arena_clear(&a);
	return ret;
}
