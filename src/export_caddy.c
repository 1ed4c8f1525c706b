/* export_caddy.c - Caddy: a route, in which the order is that of the lines, so
 * that a preflight meets nothing that stands behind it. */
#include "config.h"

#include "export.h"

#include "export_regex.h"

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

/* Begins an entry of the map from host and target to a policy. */
static void
begin_rule(struct export *e, const char *host)
{
	fprintf(e->to, "\t\t`~^%s", host);
}

static void
end_rule(struct export *e, const struct export_rule *rule,
    enum path_reading reading)
{
	/* The absolute form of a target; its host is the host. */
	fputs("((?i:https?)://[^/?]*)?", e->to);
	regex_path(e->to, rule->path, PATH_RAW, reading);
	fprintf(e->to, "` %.*s\n", STR_ARG(rule->policy->name));
}

/* A host of more bytes than a host has is served by '*' alone. */
static void
write_long_hosts(struct export *e, enum path_reading reading)
{
	static const char long_host[] = "[^:/]{253}([^.:/]|[.][^:/])";

	for (size_t i = 0; i < e->nrules; i++)
		if (e->rules[i].host.n == 0) {
			begin_rule(e, long_host);
			fputs("[!-.0-~]*", e->to);
			end_rule(e, &e->rules[i], reading);
		}
	begin_rule(e, long_host);
	fputs("` \"\"\n", e->to);
}

static void
write_rules(struct export *e, const char *variable, enum path_reading reading)
{
	bool has_subdomains = false;

	fprintf(e->to, "\tmap {http.vars.preflightd_odd}{http.request.hostport}"
	    "{http.request.orig_uri} {%s} {\n", variable);
	for (size_t i = 0; i < e->nrules; i++)
		has_subdomains = has_subdomains || e->rules[i].subdomains;
	if (has_subdomains)
		write_long_hosts(e, reading);
	for (size_t i = 0; i < e->nrules; i++) {
		const struct export_rule *rule = &e->rules[i];

		begin_rule(e, "");
		if (rule->host.n == 0) {
			fputs("[!-.0-~]*", e->to);
		} else {
			fputs("(?i:", e->to);
			regex_host(e->to, rule->host, rule->subdomains);
			fputs(")\\.?(:[0-9]{0,5})?", e->to);
		}
		end_rule(e, rule, reading);
	}
	fputs("\t\tdefault \"\"\n\t}\n", e->to);
}

static void
write_choice(struct export *e)
{
	const char *const *odd = regex_odd(PATH_RAW);

	fputs("\n\t# Paths that servers read in different ways get no policy, "
	    "nor do those with\n\t# dot segments, which browsers never send: a "
	    "space is in front of no host below.\n"
	    "\tmap {http.request.orig_uri} {preflightd_odd} {\n", e->to);
	for (; *odd != NULL; odd++)
		fprintf(e->to, "\t\t`~%s` \" \"\n", *odd);
	fputs("\t\tdefault \"\"\n\t}\n"
	    "\tvars preflightd_odd {preflightd_odd}\n"
	    "\n\t# Which policy serves a host and a path: the first that "
	    "matches.\n", e->to);
	if (!e->has_paths) {
		write_rules(e, "preflightd_policy", PATH_LITERAL);
		fputs("\tvars preflightd_policy {preflightd_policy}\n", e->to);
		return;
	}
	write_rules(e, "preflightd_literal", PATH_LITERAL);
	fputs("\t# The same for what cuts ;parameters off a path: where that "
	    "leads to another\n\t# policy, neither is safe.\n", e->to);
	write_rules(e, "preflightd_plain", PATH_PLAIN);
	fputs("\tmap \"{preflightd_literal} {preflightd_plain}\" "
	    "{preflightd_policy} {\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		struct str name = policy_set_sorted(e->set, i)->name;

		fprintf(e->to, "\t\t\"%.*s %.*s\" \"%.*s\"\n", STR_ARG(name),
		    STR_ARG(name), STR_ARG(name));
	}
	fputs("\t\tdefault \"\"\n\t}\n"
	    "\tvars preflightd_policy {preflightd_policy}\n", e->to);
}

/* ---- which origin ------------------------------------------------------ */

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	if (o->kind != ORIGIN_PATTERN) {
		fprintf(e->to, "\t\t\"%.*s %.*s\" \"%.*s\"\n",
		    STR_ARG(p->name), STR_ARG(o->text), STR_ARG(o->text));
		return;
	}
	fprintf(e->to, "\t\t`~^%.*s (", STR_ARG(p->name));
	regex_origin(e->to, o);
	fputs(")$` $1\n", e->to);
}

static void
write_any_origin(struct export *e)
{
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (!origin_set_any(p->origins))
			continue;
		export_policy_comment(e, "\t\t# ", p);
		fprintf(e->to, "\t\t`~^%.*s [ -+.-~-]+$` *\n",
		    STR_ARG(p->name));
	}
}

static void
write_origins(struct export *e)
{
	fputs("\n\t# The Origin where the policy allows it.\n"
	    "\tmap \"{http.vars.preflightd_policy} "
	    "{http.request.header.Origin}\" {preflightd_origin} {\n", e->to);
	write_any_origin(e);
	fputs("\t\t# a host of more bytes than a host has\n"
	    "\t\t`~^[^ ]* [^:]*://[^:]{253}([^.:]|[.][^:])` \"\"\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (origin_set_any(p->origins))
			continue;
		export_policy_comment(e, "\t\t# ", p);
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

		/* No plain input: a policy may have the name "default". */
		fprintf(e->to, "\t\t`~^%.*s$` \"%s\" \"", STR_ARG(p->name),
		    p->credentials ? "true" : "");
		export_exposed(e, p, escape);
		fputs("\"\n", e->to);
	}
	fputs("\t\tdefault \"\" \"\"\n\t}\n"
	    "\tmap {http.vars.preflightd_policy} {preflightd_vary} {\n",
	    e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		/* A cached answer must not reach another origin. */
		if (origin_set_any(p->origins))
			fprintf(e->to, "\t\t`~^%.*s$` \"\"\n",
			    STR_ARG(p->name));
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
