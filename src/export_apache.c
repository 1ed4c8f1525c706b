/* export_apache.c - Apache httpd: a rewrite of preflights to mod_proxy_fcgi,
 * variables that mod_setenvif sets in the order of the lines, and fields that
 * mod_headers puts on every response.  What a request is is taken from its
 * first line, which an internal redirect leaves alone. */
#include "config.h"

#include "export.h"

#include "export_regex.h"

/* An environment variable of ours, in an expression. */
#define VAR(name) "reqenv('preflightd_" name "')"

/* ---- preflights -------------------------------------------------------- */

static void
write_delegation(struct export *e)
{
	const struct export_socket *s = &e->options->socket;

	fputs("RewriteEngine on\n"
	    "RewriteCond %{REQUEST_METHOD} =OPTIONS\n"
	    "RewriteCond %{HTTP:Origin} .\n"
	    "RewriteCond %{HTTP:Access-Control-Request-Method} .\n"
	    "RewriteRule ^ ", e->to);
	if (s->path.n > 0)
		fprintf(e->to, "unix:%.*s|fcgi://preflightd/ [P,L]\n",
		    STR_ARG(s->path));
	else
		fprintf(e->to, "fcgi://%.*s:%u/ [P,L]\n", STR_ARG(s->host),
		    s->port);
	fputs("\n# Browsers send preflights without credentials.\n"
	    "<If \"%{REQUEST_METHOD} == 'OPTIONS' && -n %{HTTP:Origin} && "
	    "-n %{HTTP:Access-Control-Request-Method}\">\n"
	    "\tRequire all granted\n"
	    "\t<IfModule allowmethods_module>\n"
	    "\t\tAllowMethods reset\n"
	    "\t</IfModule>\n"
	    "</If>\n"
	    "SetEnvIfExpr \"%{REQUEST_METHOD} == 'OPTIONS' && -n "
	    "%{HTTP:Origin} && -n %{HTTP:Access-Control-Request-Method}\" "
	    "preflightd_preflight\n", e->to);
}

/* ---- which policy ------------------------------------------------------ */

static void
write_target(struct export *e)
{
	const char *const *odd = regex_odd(PATH_RAW);

	fputs("\n# The request as it came; a target may name its host.\n"
	    "SetEnvIfExpr \"%{HTTP_HOST} =~ m#^(.+)$#\" preflightd_host=$1\n"
	    "SetEnvIfExpr \"%{THE_REQUEST} =~ "
	    "m#^[^ ]+ https?://([^/? ]*)#i\" preflightd_host=$1\n"
	    "SetEnvIfExpr \"%{THE_REQUEST} =~ "
	    "m#^[^ ]+ (https?://[^/? ]*)?([^? ]*)#i\" preflightd_path=$2\n"
	    "\n# Paths that servers read in different ways get no policy, nor "
	    "do those with dot\n# segments, which browsers never send.\n",
	    e->to);
	for (; *odd != NULL; odd++)
		fprintf(e->to, "SetEnvIfExpr \"" VAR("path") " =~ m#%s#\" "
		    "preflightd_odd\n", *odd);
	fputs("SetEnvIfExpr \"" VAR("host") " =~ m#" REGEX_BAD_HOST
	    "#\" preflightd_odd\n"
	    "SetEnvIfExpr \"" VAR("host") " =~ m#" REGEX_LONG_HOST
	    "#\" preflightd_long_host\n", e->to);
}

static void
write_rule(struct export *e, const struct export_rule *rule,
    const char *variable, enum path_reading reading)
{
	fputs("SetEnvIfExpr \"-z " VAR("odd"), e->to);
	if (rule->subdomains)
		fputs(" && -z " VAR("long_host"), e->to);
	if (rule->host.n > 0) {
		fputs(" && " VAR("host") " =~ m#^", e->to);
		regex_host(e->to, rule->host, rule->subdomains);
		fputs(REGEX_HOST_END "#i", e->to);
	}
	fputs(" && unescape(" VAR("path") ") =~ m#^", e->to);
	regex_path(e->to, rule->path, PATH_DECODED, reading);
	fprintf(e->to, "#\" %s=%.*s\n", variable,
	    STR_ARG(rule->policy->name));
}

/* Each that matches replaces the ones before: the most specific is last. */
static void
write_rules(struct export *e, const char *variable, enum path_reading reading)
{
	for (size_t i = e->nrules; i > 0; i--)
		write_rule(e, &e->rules[i - 1], variable, reading);
}

static void
write_choice(struct export *e)
{
	write_target(e);
	fputs("\n# Which policy serves a host and a path: the last that "
	    "matches.\n", e->to);
	if (!e->has_paths) {
		write_rules(e, "preflightd_policy", PATH_LITERAL);
		return;
	}
	write_rules(e, "preflightd_literal", PATH_LITERAL);
	fputs("# The same for what cuts ;parameters off a path: where that "
	    "leads to another\n# policy, neither is safe.\n", e->to);
	write_rules(e, "preflightd_plain", PATH_PLAIN);
	fputs("SetEnvIfExpr \"" VAR("literal") " == " VAR("plain") " && "
	    VAR("literal") " =~ m#^(.+)$#\" preflightd_policy=$1\n", e->to);
}

/* ---- which origin ------------------------------------------------------ */

static void
begin_origin(struct export *e, const struct policy *p)
{
	fprintf(e->to, "SetEnvIfExpr \"" VAR("policy") " == '%.*s' && ",
	    STR_ARG(p->name));
}

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	begin_origin(e, p);
	if (o->kind == ORIGIN_PATTERN)
		fputs("-z " VAR("long_origin") " && ", e->to);
	fputs("%{HTTP:Origin} =~ m#^(", e->to);
	regex_origin(e->to, o);
	fputs(")$#\" preflightd_origin=$1\n", e->to);
}

static void
write_origins(struct export *e)
{
	fputs("\n# The Origin where the policy allows it.\n"
	    "SetEnvIfExpr \"%{HTTP:Origin} =~ m#" REGEX_LONG_ORIGIN
	    "#\" preflightd_long_origin\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		export_policy_comment(e, "# ", p);
		if (!origin_set_any(p->origins)) {
			export_origins(e, p, write_origin);
			continue;
		}
		begin_origin(e, p);
		fputs("%{HTTP:Origin} =~ m#" REGEX_CLEAN
		    "#\" preflightd_origin=*\n", e->to);
	}
	fputs("SetEnvIfExpr \"-z " VAR("preflight") " && -n "
	    VAR("origin") " && " VAR("policy")
	    " =~ m#^(.+)$#\" preflightd_allowed=$1\n", e->to);
}

/* ---- the fields -------------------------------------------------------- */

/* A '%' in a field's value begins a format. */
static const char *
escape(char c)
{
	return c == '%' ? "%" : "";
}

static void
write_policy_fields(struct export *e, const struct policy *p)
{
	if (p->credentials)
		fprintf(e->to, "Header always set "
		    "Access-Control-Allow-Credentials true "
		    "\"expr=" VAR("allowed") " == '%.*s'\"\n",
		    STR_ARG(p->name));
	if (!export_exposes(p))
		return;
	fputs("Header always set Access-Control-Expose-Headers \"", e->to);
	export_exposed(e, p, escape);
	fprintf(e->to, "\" \"expr=" VAR("allowed") " == '%.*s'\"\n",
	    STR_ARG(p->name));
}

/* A cached answer must not reach another origin. */
static void
write_vary(struct export *e)
{
	fputs("Header always merge Vary Origin \"expr=-z " VAR("preflight"),
	    e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (origin_set_any(p->origins))
			fprintf(e->to, " && " VAR("policy") " != '%.*s'",
			    STR_ARG(p->name));
	}
	fputs("\"\n", e->to);
}

static void
write_fields(struct export *e)
{
	fputs("\n# What applications say about it is replaced.\n", e->to);
	for (size_t i = 0; i < EXPORT_FIELDS; i++)
		fprintf(e->to, "Header onsuccess unset %s "
		    "env=!preflightd_preflight\n"
		    "Header always unset %s env=!preflightd_preflight\n",
		    export_fields[i], export_fields[i]);
	fputs("Header always set Access-Control-Allow-Origin "
	    "\"%{preflightd_origin}e\" \"expr=-n " VAR("allowed") "\"\n",
	    e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		write_policy_fields(e, policy_set_sorted(e->set, i));
	write_vary(e);
}

static void
write_vhost(struct export *e)
{
	fputs("# Include it in every <VirtualHost> that answers other origins, "
	    "before its other\n# RewriteRules.  It needs the modules rewrite, "
	    "proxy, proxy_fcgi, setenvif and\n# headers.\n\n", e->to);
	write_delegation(e);
	write_choice(e);
	write_origins(e);
	write_fields(e);
}

const struct export_server export_apache = {
	.name = "apache",
	.can_ask = false,
	.no_ask = "Apache's authorizers double header fields and fail closed: "
	    "leave it static",
	.origins_max = 1000,
	.line_max = 8000,
	.no_field = "",
	.parts = {
		{"vhost", "#", write_vhost},
	},
};
