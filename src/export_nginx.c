/* export_nginx.c - nginx: maps in http { }, and in server { } a rewrite of
 * preflights, as that comes before authentication. */
#include "config.h"

#include "export.h"

#include "export_regex.h"

/* A plain key of a map may not be longer than fits into nginx's default
 * map_hash_bucket_size of 64 bytes. */
enum { KEY_MAX = 46 };

/* ---- preflights -------------------------------------------------------- */

static void
write_delegation(struct export *e)
{
	fputs("# \"OPTIONS\" for a CORS preflight; anything else for any other "
	    "request.\n"
	    "map $http_origin $preflightd_method {\n"
	    "\t\"\"      \"\";\n"
	    "\tdefault $request_method;\n"
	    "}\n"
	    "map $http_access_control_request_method $preflightd_preflight {\n"
	    "\t\"\"      \"\";\n"
	    "\tdefault $preflightd_method;\n"
	    "}\n"
	    "\nupstream preflightd {\n\tserver ", e->to);
	export_socket(e, "unix:");
	fputs(";\n\tkeepalive 2;    # kept connections, per worker process\n"
	    "}\n", e->to);
}

/* What both locations pass; method and host are values. */
static void
write_passing(struct export *e, const char *method, const char *host)
{
	fputs("\tfastcgi_pass preflightd;\n"
	    "\tfastcgi_keep_conn on;\n"
	    "\tfastcgi_pass_request_body off;\n", e->to);
	fprintf(e->to, "\tfastcgi_param REQUEST_METHOD %s;\n"
	    "\tfastcgi_param REQUEST_URI    $request_uri;\n"
	    "\tfastcgi_param HTTP_HOST      %s;\n", method, host);
	fputs("\tfastcgi_param SERVER_NAME    $server_name;\n"
	    "\tfastcgi_param REQUEST_SCHEME $scheme;\n", e->to);
}

static void
write_preflight_location(struct export *e)
{
	fputs("if ($preflightd_preflight = OPTIONS) {\n"
	    "\trewrite ^ /.cors-preflight last;\n"
	    "}\n"
	    "\n"
	    "location = /.cors-preflight {\n"
	    "\tinternal;\n", e->to);
	fputs("\n"
	    "\t# Browsers send preflights without credentials.\n"
	    "\tauth_basic off;\n"
	    "\tauth_request off;    # leave it out where nginx lacks the "
	    "module\n"
	    "\tallow all;\n"
	    "\n"
	    "\t# Of its own it adds nothing: this also stops inherited "
	    "add_header.\n"
	    "\tadd_header Vary \"\";\n"
	    "\tfastcgi_pass_header Access-Control-Allow-Origin;\n"
	    "\tfastcgi_pass_header Access-Control-Allow-Credentials;\n"
	    "\tfastcgi_pass_header Access-Control-Expose-Headers;\n"
	    "\n"
	    "\tfastcgi_intercept_errors off;\n"
	    "\tfastcgi_connect_timeout 1s;\n"
	    "\tfastcgi_read_timeout 5s;\n", e->to);
	write_passing(e, "$request_method", "$host");
	fputs("}\n", e->to);
}

/* ---- which policy ------------------------------------------------------ */

static void
write_rule(struct export *e, const struct export_rule *rule,
    enum path_reading reading)
{
	fputs("\t\"~^", e->to);
	if (rule->host.n == 0) {
		fputs("[!-.0-~]*", e->to);
	} else {
		if (rule->subdomains)
			fputs("(?![^/]{254})", e->to);
		regex_host(e->to, rule->host, rule->subdomains);
	}
	regex_path(e->to, rule->path, PATH_DECODED, reading);
	fprintf(e->to, "\" %.*s;\n", STR_ARG(rule->policy->name));
}

static void
write_rules(struct export *e, const char *variable, enum path_reading reading)
{
	fprintf(e->to, "map \"$preflightd_odd$host$uri\" $%s {\n"
	    "\tdefault \"\";\n", variable);
	for (size_t i = 0; i < e->nrules; i++)
		write_rule(e, &e->rules[i], reading);
	fputs("}\n", e->to);
}

static void
write_choice(struct export *e)
{
	const char *const *odd = regex_odd(PATH_DECODED);

	fputs("\n# Paths that servers read in different ways get no policy: a "
	    "space is in front\n# of no host below.\n"
	    "map $request_uri $preflightd_odd {\n"
	    "\tdefault \"\";\n", e->to);
	for (; *odd != NULL; odd++)
		fprintf(e->to, "\t\"~%s\" \" \";\n", *odd);
	fputs("}\n\n# Which policy serves a host and a path: the first that "
	    "matches.\n", e->to);
	if (!e->has_paths) {
		write_rules(e, "preflightd_policy", PATH_LITERAL);
		return;
	}
	write_rules(e, "preflightd_literal", PATH_LITERAL);
	fputs("\n# The same for what cuts ;parameters off a path: where that "
	    "leads to another\n# policy, neither is safe.\n", e->to);
	write_rules(e, "preflightd_plain", PATH_PLAIN);
	fputs("map \"$preflightd_literal $preflightd_plain\" "
	    "$preflightd_policy {\n"
	    "\tdefault \"\";\n"
	    "\t\"~^([^ ]+) \\1$\" $1;\n"
	    "}\n", e->to);
}

/* ---- which origin ------------------------------------------------------ */

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	if (o->kind != ORIGIN_PATTERN && o->text.n <= KEY_MAX) {
		fprintf(e->to, "\t\"%.*s\" $http_origin;\n", STR_ARG(o->text));
		return;
	}
	fputs("\t\"~^", e->to);
	regex_origin(e->to, o);
	fputs("$\" $http_origin;\n", e->to);
}

static void
write_origins(struct export *e, const struct policy *p)
{
	export_policy_comment(e, "\n# ", p);
	if (origin_set_any(p->origins)) {
		fprintf(e->to, "map $http_origin $preflightd_origin_%zu {\n"
		    "\tdefault \"\";\n"
		    "\t\"~" REGEX_CLEAN "\" \"*\";\n"
		    "}\n", e->number);
		return;
	}
	fprintf(e->to, "map $preflightd_lower $preflightd_origin_%zu {\n"
	    "\tdefault \"\";\n", e->number);
	if (export_has_patterns(p))
		fputs("\t\"~" REGEX_LONG_ORIGIN "\" \"\";\n", e->to);
	export_origins(e, p, write_origin);
	fputs("}\n", e->to);
}

static void
write_allowed(struct export *e)
{
	fputs("\n# The Origin where the policy allows it: a key of a map "
	    "ignores case, browsers\n# write origins in lower case.\n"
	    "map $http_origin $preflightd_lower {\n"
	    "\tdefault $http_origin;\n"
	    "\t\"~[A-Z]\" \"\";\n"
	    "}\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		e->number = i + 1;
		write_origins(e, policy_set_sorted(e->set, i));
	}
}

/* ---- the other fields -------------------------------------------------- */

/* A policy's name as the key of a map. */
static void
put_key(struct export *e, const struct policy *p)
{
	static const char *const special[] = {"default", "hostnames",
	    "include", "volatile"};

	for (size_t i = 0; i < sizeof special / sizeof *special; i++)
		if (str_eq(p->name, str_of(special[i])))
			putc('\\', e->to);
	fprintf(e->to, "%.*s", STR_ARG(p->name));
}

static void
write_origin_choice(struct export *e)
{
	fputs("\nmap $preflightd_policy $preflightd_origin {\n"
	    "\tdefault \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		putc('\t', e->to);
		put_key(e, policy_set_sorted(e->set, i));
		fprintf(e->to, " $preflightd_origin_%zu;\n", i + 1);
	}
	fputs("}\n", e->to);
}

static void
write_vary(struct export *e)
{
	fputs("map $preflightd_policy $preflightd_vary {\n"
	    "\tdefault Origin;\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (!origin_set_any(p->origins))
			continue;
		putc('\t', e->to);
		put_key(e, p);
		fputs(" \"\";\n", e->to);
	}
	fputs("}\n", e->to);
}

static void
write_credentials(struct export *e)
{
	fputs("map $preflightd_allowed $preflightd_credentials {\n"
	    "\tdefault \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (!p->credentials)
			continue;
		putc('\t', e->to);
		put_key(e, p);
		fputs(" true;\n", e->to);
	}
	fputs("}\n", e->to);
}

static void
write_exposed(struct export *e)
{
	fputs("map $preflightd_allowed $preflightd_exposed {\n"
	    "\tdefault \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (!export_exposes(p))
			continue;
		putc('\t', e->to);
		put_key(e, p);
		fputs(" \"", e->to);
		export_exposed(e, p, NULL);
		fputs("\";\n", e->to);
	}
	fputs("}\n", e->to);
}

static void
write_fields(struct export *e)
{
	write_origin_choice(e);
	if (e->has_credentials || e->has_exposed)
		fputs("# The policy, where it allows the Origin.\n"
		    "map $preflightd_origin $preflightd_allowed {\n"
		    "\t\"\"      \"\";\n"
		    "\tdefault $preflightd_policy;\n"
		    "}\n", e->to);
	if (e->has_credentials)
		write_credentials(e);
	if (e->has_exposed)
		write_exposed(e);
	/* A cached answer must not reach another origin. */
	write_vary(e);
}

/* ---- asking ------------------------------------------------------------ */

static void
write_ask_maps(struct export *e)
{
	fputs("\n# The port that a browser has in an Origin of this server.\n"
	    "map $http_host $preflightd_port {\n"
	    "\tdefault \"\";\n"
	    "\t\"~(:[0-9]+)$\" $1;\n"
	    "}\n"
	    "# Without an answer the response varies by Origin, to be safe.\n"
	    "map \"$preflightd_status $preflightd_varies\" $preflightd_vary {\n"
	    "\tdefault Origin;\n"
	    "\t\"204 \"  \"\";\n"
	    "}\n", e->to);
}

static void
write_open(struct export *e)
{
	fputs("\n"
	    "\t# While preflightd is down, responses go without CORS header "
	    "fields.\n"
	    "\tfastcgi_intercept_errors on;\n"
	    "\terror_page 400 401 403 404 413 500 502 503 504 = "
	    "@cors-open;\n"
	    "}\n"
	    "location @cors-open {\n"
	    "\treturn 204;\n", e->to);
}

static void
write_ask_location(struct export *e)
{
	fputs("\n"
	    "# Asked once for every request.  Never use it with \"satisfy "
	    "any\": there its\n"
	    "# answer would let everyone in.\n"
	    "satisfy all;\n"
	    "location = /.cors-actual {\n"
	    "\tinternal;\n"
	    "\tauth_basic off;\n"
	    "\tauth_request off;\n"
	    "\tallow all;\n", e->to);
	/* Where every policy varies by Origin, a request without one has
	 * nothing to ask. */
	if (!e->has_star)
		fputs("\tif ($http_origin = \"\") {\n"
		    "\t\treturn 204;\n"
		    "\t}\n", e->to);
	fputs("\n"
	    "\tfastcgi_connect_timeout 1s;\n"
	    "\tfastcgi_read_timeout 1s;\n"
	    "\tfastcgi_next_upstream error timeout non_idempotent;\n", e->to);
	write_passing(e, "$request_method", "$host$preflightd_port");
	fputs("\tfastcgi_param CORS_MODE      actual;\n", e->to);
	if (!e->options->closed)
		write_open(e);
	fputs("}\n", e->to);
}

static void
write_ask_fields(struct export *e)
{
	fputs("auth_request /.cors-actual;\n"
	    "auth_request_set $preflightd_status $upstream_status;\n"
	    "auth_request_set $preflightd_varies $upstream_http_vary;\n"
	    "auth_request_set $preflightd_origin "
	    "$upstream_http_access_control_allow_origin;\n", e->to);
	if (e->has_credentials)
		fputs("auth_request_set $preflightd_credentials "
		    "$upstream_http_access_control_allow_credentials;\n",
		    e->to);
	if (e->has_exposed)
		fputs("auth_request_set $preflightd_exposed "
		    "$upstream_http_access_control_expose_headers;\n", e->to);
	putc('\n', e->to);
}

/* ---- the parts --------------------------------------------------------- */

static void
write_http(struct export *e)
{
	fputs("# Include it in http { }.\n\n", e->to);
	write_delegation(e);
	if (e->options->ask) {
		write_ask_maps(e);
		return;
	}
	write_choice(e);
	write_allowed(e);
	write_fields(e);
}

static void
write_server(struct export *e)
{
	fputs("# Include it in every server { } that answers other origins, "
	    "before any return\n# or rewrite of that server: there a preflight "
	    "comes before authentication.\n\n", e->to);
	write_preflight_location(e);
	if (e->options->ask)
		write_ask_location(e);
	else if (e->has_paths)
		fputs("\n# Chosen here, as error_page and index change $uri.\n"
		    "set $preflightd_chosen $preflightd_policy;\n", e->to);
}

static void
write_headers(struct export *e)
{
	static const char *const modules[] = {"proxy", "fastcgi", "uwsgi",
	    "scgi"};

	fputs("# Include it behind the part for server { }, and again in every "
	    "location { } that\n# has add_header, *_hide_header or "
	    "auth_request of its own: these replace those of\n"
	    "# the server.\n\n", e->to);
	if (e->options->ask)
		write_ask_fields(e);
	fputs("add_header Access-Control-Allow-Origin $preflightd_origin "
	    "always;\n", e->to);
	if (e->has_credentials)
		fputs("add_header Access-Control-Allow-Credentials "
		    "$preflightd_credentials always;\n", e->to);
	if (e->has_exposed)
		fputs("add_header Access-Control-Expose-Headers "
		    "$preflightd_exposed always;\n", e->to);
	fputs("add_header Vary $preflightd_vary always;\n"
	    "\n# What applications say about it is replaced.\n", e->to);
	for (size_t i = 0; i < sizeof modules / sizeof *modules; i++)
		for (size_t k = 0; k < EXPORT_FIELDS; k++)
			fprintf(e->to, "%s_hide_header %s;\n", modules[i],
			    export_fields[k]);
}

const struct export_server export_nginx = {
	.name = "nginx",
	.can_ask = true,
	.no_ask = "",
	.origins_max = 10000,
	.line_max = 4000,
	.no_field = "$",
	.parts = {
		{"http", "#", write_http},
		{"server", "#", write_server},
		{"headers", "#", write_headers},
	},
};
