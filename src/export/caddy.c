/* caddy.c - Caddy: a route, in which the order is that of the lines, so
 * that a preflight meets nothing that stands behind it. */
#include "config.h"

#include "export/export.h"

#include "export/regex.h"

/* ---- preflights -------------------------------------------------------- */

static void
write_upstream(struct export *e, const char *indent)
{
	fprintf(e->to, "%sreverse_proxy ", indent);
	export_socket(e, "unix/");
	fputs(" {\n", e->to);
}

static void
write_preflight(struct export *e)
{
	fputs("\t@preflightd_preflight {\n"
	    "\t\tmethod OPTIONS\n"
	    "\t\theader_regexp Origin .\n"
	    "\t\theader_regexp Access-Control-Request-Method .\n"
	    "\t}\n"
	    "\thandle @preflightd_preflight {\n", e->to);
	write_upstream(e, "\t\t");
	fputs("\t\t\ttransport fastcgi {\n"
	    "\t\t\t\tdial_timeout 1s\n"
	    "\t\t\t\tread_timeout 5s\n"
	    "\t\t\t}\n"
	    "\t\t\theader_down -Status\n"
	    "\t\t}\n"
	    "\t}\n", e->to);
}

/* ---- which policy ------------------------------------------------------ */

/* Begins an entry of the map from a request to a policy, behind the mark of
 * odd paths, a space; what is said of the path follows. */
static void
begin_rule(struct export *e, const struct export_host *host, const char *mark)
{
	fprintf(e->to, "\t\t`~^%s", mark);
	if (e->names_hosts) {
		fputs("(?i:", e->to);
		regex_host(e->to, host->name, host->subdomains, HOST_SHORT);
		putc(')', e->to);
	} else {
		fputs(REGEX_UNSEEN_HOST, e->to);
	}
	putc(' ', e->to);
}

/* The absolute form of a target; its host is the host. */
#define ABSOLUTE "((?i:https?)://[^/?\\x23\\x5c]*)?"

static void
write_host(struct export *e, const struct export_host *host)
{
	if (!host->by_path) {
		begin_rule(e, host, e->has_paths ? " ?" : "");
		fprintf(e->to, "` p%zu\n", host->paths[0].number);
		return;
	}
	begin_rule(e, host, " ");
	fputs("` \"\"\n", e->to);
	for (size_t i = 0; i < host->npaths; i++) {
		const struct export_path *path = &host->paths[i];

		begin_rule(e, host, "");
		fputs(ABSOLUTE, e->to);
		regex_path(e->to, path->text);
		fprintf(e->to, "` p%zu\n", path->number);
		if (path->text.n <= 1)
			continue;
		begin_rule(e, host, "");
		fputs(ABSOLUTE, e->to);
		regex_ambiguous_path(e->to, path->text);
		fputs("` \"\"\n", e->to);
	}
}

static void
write_choice(struct export *e)
{
	if (e->has_paths)
		fprintf(e->to, "\n\t# Where policies differ by path, one that "
		    "servers can read in many ways is odd.\n"
		    "\tmap {http.request.orig_uri} {preflightd_odd} {\n"
		    "\t\t`~%s` \" \"\n"
		    "\t\tdefault \"\"\n\t}\n"
		    "\tvars preflightd_odd {preflightd_odd}\n",
		    regex_odd_path);
	fprintf(e->to, "\n\t# Which policy serves a request: the first that "
	    "matches.\n"
	    "\tmap \"%s{http.request.hostport} %s\" {preflightd_policy} {\n",
	    e->has_paths ? "{http.vars.preflightd_odd}" : "",
	    e->has_paths ? "{http.request.orig_uri}" : "");
	if (e->names_hosts)
		fputs("\t\t# a host of more bytes than a host has\n"
		    "\t\t`~^ ?[^: ]{253}([^.: ]|[.][^: ])` \"\"\n", e->to);
	for (size_t i = 0; i < e->nhosts; i++)
		write_host(e, &e->hosts[i]);
	fputs("\t\tdefault \"\"\n\t}\n"
	    "\tvars preflightd_policy {preflightd_policy}\n", e->to);
}

/* ---- which origin ------------------------------------------------------ */

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	if (o->kind != ORIGIN_PATTERN) {
		fprintf(e->to, "\t\t\"p%zu %.*s\" \"%.*s\"\n", e->number,
		    STR_ARG(o->text), STR_ARG(o->text));
		return;
	}
	fprintf(e->to, "\t\t`~^p%zu (", e->number);
	regex_origin(e->to, o);
	fputs(")$` $1\n", e->to);
}

static void
write_origins(struct export *e)
{
	fputs("\n\t# The Origin where the policy allows it.\n"
	    "\tmap \"{http.vars.preflightd_policy} "
	    "{http.request.header.Origin}\" {preflightd_origin} {\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		if (origin_set_any(policy_set_sorted(e->set, i)->origins)) {
			export_policy_comment(e, "\t\t# ", i + 1);
			fprintf(e->to, "\t\t`~^p%zu ` *\n", i + 1);
		}
	fputs("\t\t# a host of more bytes than a host has\n"
	    "\t\t`~^[^ ]* [^:]*://[^:]{253}([^.:]|[.][^:])` \"\"\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (origin_set_any(p->origins))
			continue;
		e->number = i + 1;
		export_policy_comment(e, "\t\t# ", e->number);
		export_origins(e, p, write_origin);
	}
	fputs("\t\tdefault \"\"\n\t}\n"
	    "\tvars preflightd_origin {preflightd_origin}\n", e->to);
}

/* ---- the fields -------------------------------------------------------- */

/* A '$' in the output of an expression names a group. */
static const char *
escape(char c)
{
	return c == '$' ? "$" : "";
}

/* The values of the other fields, by policy. */
static void
write_values(struct export *e)
{
	fputs("\n\t# What goes with it: credentials, exposed fields.\n"
	    "\tmap \"{http.vars.preflightd_policy} "
	    "{http.vars.preflightd_origin}\" {preflightd_allowed} {\n"
	    "\t\t`~^([^ ]+) .` $1\n"
	    "\t\tdefault \"\"\n"
	    "\t}\n"
	    "\tmap {preflightd_allowed} {preflightd_credentials} "
	    "{preflightd_exposed} {\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		fprintf(e->to, "\t\t`~^p%zu$` \"%s\" \"", i + 1,
		    p->credentials ? "true" : "");
		export_exposed(e, p, escape);
		fputs("\"\n", e->to);
	}
	fputs("\t\tdefault \"\" \"\"\n\t}\n"
	    "\tmap {http.vars.preflightd_policy} {preflightd_vary} {\n",
	    e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		/* A cached answer must not reach another origin. */
		if (origin_set_any(policy_set_sorted(e->set, i)->origins))
			fprintf(e->to, "\t\t`~^p%zu$` \"\"\n", i + 1);
	}
	fputs("\t\tdefault Origin\n\t}\n"
	    "\tvars {\n"
	    "\t\tpreflightd_credentials {preflightd_credentials}\n"
	    "\t\tpreflightd_exposed {preflightd_exposed}\n"
	    "\t\tpreflightd_vary {preflightd_vary}\n"
	    "\t}\n", e->to);
}

/* Each field is set twice: at once, for the errors that Caddy makes itself, and
 * when the response goes out, in place of what an application says. */
static void
write_fields(struct export *e)
{
	static const struct {
		const char *variable, *field;
	} fields[] = {
		{"origin", "Access-Control-Allow-Origin"},
		{"credentials", "Access-Control-Allow-Credentials"},
		{"exposed", "Access-Control-Expose-Headers"},
	};

	putc('\n', e->to);
	for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
		const char *v = fields[i].variable, *f = fields[i].field;

		fprintf(e->to, "\t@preflightd_%s not vars "
		    "{http.vars.preflightd_%s} \"\"\n"
		    "\theader @preflightd_%s %s {http.vars.preflightd_%s}\n"
		    "\theader @preflightd_%s {\n"
		    "\t\t%s {http.vars.preflightd_%s}\n"
		    "\t\tdefer\n"
		    "\t}\n", v, v, v, f, v, v, f, v);
	}
	fputs("\t@preflightd_vary not vars {http.vars.preflightd_vary} \"\"\n"
	    "\theader @preflightd_vary +Vary {http.vars.preflightd_vary}\n"
	    "\n\t# What applications say about it is taken out: what is "
	    "deferred later is done\n\t# first.\n"
	    "\theader {\n"
	    "\t\t-Access-Control-Allow-Origin\n"
	    "\t\t-Access-Control-Allow-Credentials\n"
	    "\t\t-Access-Control-Expose-Headers\n"
	    "\t\tdefer\n"
	    "\t}\n", e->to);
}

/* ---- asking ------------------------------------------------------------ */

static void
write_ask(struct export *e)
{
#define ASKED(field) "{http.reverse_proxy.header." field "}\n"
	fputs("\n\t# Asked once for every request.  While preflightd is down, "
	    "Caddy answers 502.\n", e->to);
	write_upstream(e, "\t");
	fputs("\t\tmethod GET    # the body stays for the application\n"
	    "\t\ttransport fastcgi {\n"
	    "\t\t\tenv CORS_MODE actual\n"
	    "\t\t\tdial_timeout 1s\n"
	    "\t\t\tread_timeout 1s\n"
	    "\t\t}\n"
	    "\t\t@preflightd_answer status 2xx\n"
	    "\t\thandle_response @preflightd_answer {\n"
	    "\t\t\tvars {\n"
	    "\t\t\t\tpreflightd_origin "
	    ASKED("Access-Control-Allow-Origin")
	    "\t\t\t\tpreflightd_credentials "
	    ASKED("Access-Control-Allow-Credentials")
	    "\t\t\t\tpreflightd_exposed "
	    ASKED("Access-Control-Expose-Headers")
	    "\t\t\t\tpreflightd_vary " ASKED("Vary")
	    "\t\t\t}\n"
	    "\t\t}\n"
	    "\t}\n", e->to);
#undef ASKED
}

/* ---- the part ---------------------------------------------------------- */

static void
write_site(struct export *e)
{
	fputs("# In every site that answers other origins write route { } "
	    "around all that\n# authenticates and handles requests, with the "
	    "import of this file as its first\n# line: outside of a route "
	    "Caddy does that earlier, wherever the import stands.\n\n"
	    "route {\n", e->to);
	write_preflight(e);
	if (e->options->ask) {
		write_ask(e);
	} else {
		write_choice(e);
		write_origins(e);
		write_values(e);
	}
	write_fields(e);
	fputs("}\n", e->to);
}

const struct export_server export_caddy = {
	.name = "caddy",
	.can_ask = true,
	.no_open = "Caddy can't go on without an answer: add --closed",
	.origins_max = 2000,
	.line_max = 0,
	.no_field = "",
	.parts = {
		{"site", "#", write_site},
	},
};
