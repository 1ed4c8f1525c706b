/* apache.c - Apache httpd: a rewrite of preflights to mod_proxy_fcgi,
 * variables that mod_setenvif sets in the order of the lines, and fields that
 * mod_headers puts on every response.  What a request is is taken from its
 * first line, which an internal redirect leaves alone. */
#include "config.h"

#include "export/export.h"

#include "export/regex.h"

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
	fputs("\n# The request as it came; a target may name its host.\n"
	    "SetEnvIfExpr \"%{HTTP_HOST} =~ m#^(.+)$#\" preflightd_host=$1\n"
	    "SetEnvIfExpr \"%{THE_REQUEST} =~ "
	    "m#^[^ ]+ https?://([^/?\\x23\\x5c ]*)#i\" preflightd_host=$1\n",
	    e->to);
	if (e->has_paths)
		fprintf(e->to, "SetEnvIfExpr \"%%{THE_REQUEST} =~ "
		    "m#^[^ ]+ (https?://[^/?\\x23\\x5c ]*)?([^? ]*)#i\" "
		    "preflightd_path=$2\n"
		    "\n# Where policies differ by path, one that servers can "
		    "read in many ways gets\n# none.\n"
		    "SetEnvIfExpr \"" VAR("path") " =~ m#%s#\" "
		    "preflightd_clean\n", regex_clean_path);
}

/* A line for the host, and for the paths that the expression matches. */
static void
begin_rule(struct export *e, const struct export_host *host)
{
	fputs("SetEnvIfExpr \"" VAR("host") " =~ m#^", e->to);
	if (e->names_hosts)
		regex_host(e->to, host->name, host->subdomains, HOST_FIELD);
	else
		fputs(REGEX_UNSEEN_HOST, e->to);
	fputs("$#i", e->to);
}

static void
write_path(struct export *e, const struct export_host *host,
    const struct export_path *path)
{
	if (path->text.n > 1) {
		begin_rule(e, host);
		fputs(" && " VAR("path") " =~ m#^", e->to);
		regex_ambiguous_path(e->to, path->text);
		fputs("#\" !preflightd_policy\n", e->to);
	}
	begin_rule(e, host);
	fputs(" && -n " VAR("clean") " && " VAR("path") " =~ m#^", e->to);
	regex_path(e->to, path->text);
	fprintf(e->to, "#\" preflightd_policy=p%zu\n", path->number);
}

static void
write_choice(struct export *e)
{
	write_target(e);
	fputs("\n# Which policy serves a request: each line that matches "
	    "replaces the ones before,\n# the most specific is last.\n",
	    e->to);
	for (size_t i = e->nhosts; i-- > 0;) {
		const struct export_host *host = &e->hosts[i];

		begin_rule(e, host);
		if (!host->by_path) {
			fprintf(e->to, "\" preflightd_policy=p%zu\n",
			    host->paths[0].number);
			continue;
		}
		fputs(" && -z " VAR("clean") "\" !preflightd_policy\n",
		    e->to);
		for (size_t k = host->npaths; k-- > 0;)
			write_path(e, host, &host->paths[k]);
	}
}

/* ---- which origin ------------------------------------------------------ */

static void
begin_origin(struct export *e)
{
	fprintf(e->to, "SetEnvIfExpr \"" VAR("policy") " == 'p%zu'",
	    e->number);
}

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	begin_origin(e);
	if (o->kind == ORIGIN_PATTERN)
		fputs(" && -z " VAR("long_origin"), e->to);
	fputs(" && %{HTTP:Origin} =~ m#^(", e->to);
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

		e->number = i + 1;
		export_policy_comment(e, "# ", e->number);
		if (!origin_set_any(p->origins)) {
			export_origins(e, p, write_origin);
			continue;
		}
		begin_origin(e);
		fputs("\" preflightd_origin=*\n", e->to);
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
write_policy_fields(struct export *e, const struct policy *p, size_t number)
{
	if (p->credentials)
		fprintf(e->to, "Header always set "
		    "Access-Control-Allow-Credentials true "
		    "\"expr=" VAR("allowed") " == 'p%zu'\"\n", number);
	if (!export_exposes(p))
		return;
	fputs("Header always set Access-Control-Expose-Headers \"", e->to);
	export_exposed(e, p, escape);
	fprintf(e->to, "\" \"expr=" VAR("allowed") " == 'p%zu'\"\n", number);
}

/* A cached answer must not reach another origin. */
static void
write_vary(struct export *e)
{
	fputs("Header always merge Vary Origin \"expr=-z " VAR("preflight"),
	    e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		if (origin_set_any(policy_set_sorted(e->set, i)->origins))
			fprintf(e->to, " && " VAR("policy") " != 'p%zu'",
			    i + 1);
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
		write_policy_fields(e, policy_set_sorted(e->set, i), i + 1);
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
	.field_max = 8000,
	.no_field = "",
	.parts = {
		{"vhost", "#", write_vhost},
	},
};
