/* lighttpd.c - lighttpd: nested conditions for preflights, and a Lua
 * script for mod_magnet that sets the fields when a response starts, as
 * conditions can neither answer with the Origin of a request nor see a path as
 * it came. */
#include "config.h"

#include "export/export.h"

/* Its lines, each a string. */
static const char *const script[] = {
#include "export/lighttpd.lua.inc"
};

/* Writes a part of lighttpd.lua. */
static void
write_lua(struct export *e, struct str part)
{
	bool wanted = false;

	for (size_t i = 0; i < sizeof script / sizeof *script; i++) {
		struct str line = str_of(script[i]);

		if (str_starts(line, STR("--- ")))
			wanted = str_eq(str_from(line, 4), part);
		else if (wanted)
			fprintf(e->to, "%s\n", script[i]);
	}
}

/* ---- the configuration ------------------------------------------------- */

static void
write_socket(struct export *e)
{
	const struct export_socket *s = &e->options->socket;
	struct str host = s->host;

	if (s->path.n > 0) {
		fprintf(e->to, "\"socket\" => \"%.*s\"", STR_ARG(s->path));
		return;
	}
	/* IPv6 without its brackets. */
	if (host.p[0] == '[')
		host = (struct str){host.p + 1, host.n - 2};
	fprintf(e->to, "\"host\" => \"%.*s\", \"port\" => %u", STR_ARG(host),
	    s->port);
}

static void
write_conf(struct export *e)
{
	fputs("# Include it at the end of the configuration.  It needs "
	    "mod_fastcgi and mod_magnet,\n# in server.modules before "
	    "mod_proxy.\n\n", e->to);
	fprintf(e->to, "magnet.attract-response-start-to += ( \"%.*s\" )\n",
	    STR_ARG(e->options->script));
	if (e->options->ask) {
		fputs("\n# Asked once for every request.  While preflightd is "
		    "down, lighttpd answers 503.\n"
		    "fastcgi.server += ( \"\" => ( \"preflightd-actual\" => (\n"
		    "  ", e->to);
		write_socket(e);
		fputs(",\n"
		    "  \"mode\" => \"authorizer\",\n"
		    "  \"check-local\" => \"disable\"\n"
		    ") ) )\n", e->to);
	}
	fputs("\n# What a preflight must not meet is set back to nothing.  A "
	    "module that is not\n# loaded gives a warning: leave its line "
	    "out.\n"
	    "$HTTP[\"request-method\"] == \"OPTIONS\" {\n"
	    "  $REQUEST_HEADER[\"Origin\"] != \"\" {\n"
	    "    $REQUEST_HEADER[\"Access-Control-Request-Method\"] != \"\" {\n"
	    "      auth.require = ()\n"
	    "      proxy.server = ()\n"
	    "      setenv.set-response-header = ()\n"
	    "      setenv.add-response-header = ()\n"
	    "      fastcgi.server = ( \"\" => ( \"preflightd\" => (\n"
	    "        ", e->to);
	write_socket(e);
	fputs(",\n"
	    "        \"check-local\" => \"disable\"\n"
	    "      ) ) )\n"
	    "    }\n"
	    "  }\n"
	    "}\n", e->to);
}

/* ---- the script's tables ----------------------------------------------- */

/* A string of Lua, whatever is in it. */
static void
put_string(struct export *e, struct str s)
{
	putc('"', e->to);
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < ' ' || c > '~' || c == '"' || c == '\\')
			fprintf(e->to, "\\%03u", c);
		else
			putc(c, e->to);
	}
	putc('"', e->to);
}

static void
write_exact(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	if (o->kind == ORIGIN_PATTERN)
		return;
	fputs("\t\t\t[", e->to);
	put_string(e, o->text);
	fputs("] = true,\n", e->to);
}

/* Scheme, host, whether it stands for its subdomains, and port. */
static void
write_pattern(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	if (o->kind != ORIGIN_PATTERN)
		return;
	fputs("\t\t\t{", e->to);
	put_string(e, o->scheme);
	fputs(", ", e->to);
	put_string(e, o->host);
	fputs(o->subdomains ? ", true, " : ", false, ", e->to);
	if (o->port == ORIGIN_PORT_ANY)
		fputs("\"*\"},\n", e->to);
	else if (o->port == ORIGIN_PORT_DEFAULT)
		fputs("\"\"},\n", e->to);
	else
		fprintf(e->to, "\"%d\"},\n", o->port);
}

static void
write_policy(struct export *e, const struct policy *p, size_t number)
{
	export_policy_comment(e, "\t-- ", number);
	fprintf(e->to, "\tp%zu = {\n", number);
	if (origin_set_any(p->origins)) {
		fputs("\t\tany = true,\n", e->to);
	} else {
		fputs("\t\texact = {\n", e->to);
		export_origins(e, p, write_exact);
		fputs("\t\t},\n\t\tpatterns = {\n", e->to);
		export_origins(e, p, write_pattern);
		fputs("\t\t},\n", e->to);
	}
	if (p->credentials)
		fputs("\t\tcredentials = \"true\",\n", e->to);
	if (export_exposes(p)) {
		fputs("\t\texposed = \"", e->to);
		export_exposed(e, p, NULL);
		fputs("\",\n", e->to);
	}
	fputs("\t},\n", e->to);
}

/* A path's segments and its policy. */
static void
write_path(struct export *e, const struct export_path *p)
{
	struct str path = p->text;

	fputs("\t\t{{", e->to);
	while (path.n > 1) {
		const char *end = memchr(path.p + 1, '/', path.n - 1);
		size_t n = end == NULL ? path.n : (size_t)(end - path.p);

		put_string(e, (struct str){path.p + 1, n - 1});
		path = str_from(path, n);
		if (path.n > 0)
			fputs(", ", e->to);
	}
	fprintf(e->to, "}, \"p%zu\"},\n", p->number);
}

/* Host, whether it stands for its subdomains, and the policy of all paths, or
 * false and the paths. */
static void
write_host(struct export *e, const struct export_host *host)
{
	fputs("\t{", e->to);
	put_string(e, host->name);
	fputs(host->subdomains ? ", true, " : ", false, ", e->to);
	if (!host->by_path) {
		fprintf(e->to, "\"p%zu\"},\n", host->paths[0].number);
		return;
	}
	fputs("false, {\n", e->to);
	for (size_t i = 0; i < host->npaths; i++)
		write_path(e, &host->paths[i]);
	fputs("\t}},\n", e->to);
}

static void
write_tables(struct export *e)
{
	fputs("local policies = {\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		write_policy(e, policy_set_sorted(e->set, i), i + 1);
	fprintf(e->to, "}\n\n"
	    "-- Which policy serves a host and a path: the first that "
	    "matches.\n"
	    "local names_hosts = %s\n"
	    "local hosts = {\n", e->names_hosts ? "true" : "false");
	for (size_t i = 0; i < e->nhosts; i++)
		write_host(e, &e->hosts[i]);
	fputs("}\n\n", e->to);
}

static void
write_script(struct export *e)
{
	fprintf(e->to, "-- Install it as %.*s.\n\n",
	    STR_ARG(e->options->script));
	if (e->options->ask) {
		write_lua(e, STR("asked"));
	} else {
		write_tables(e);
		write_lua(e, STR("static"));
	}
	write_lua(e, STR("fields"));
}

const struct export_server export_lighttpd = {
	.name = "lighttpd",
	.can_ask = true,
	.no_ask = "",
	.no_open = "lighttpd can't go on without an answer: add --closed",
	.origins_max = 1000,
	.line_max = 0,
	.answer_max = 65000,    /* its own fields are in these 64 KiB too */
	.no_field = "",
	.parts = {
		{"conf", "#", write_conf},
		{"script", "--", write_script},
	},
};
