/* nginx.c - nginx: maps in http { }, and in server { } a rewrite of
 * preflights, as that comes before authentication. */
#include "config.h"

#include "export/export.h"

#include "core/response.h"
#include "export/regex.h"

/* A plain key of a map may not be longer than fits into nginx's default
 * map_hash_bucket_size of 64 bytes. */
enum { KEY_MAX = 46 };

/* Connections to preflightd that a worker process of nginx keeps.  Where more
 * requests are under way at once than it keeps, most connections are closed
 * after one request: with 2 a preflight costs nginx and preflightd about twice
 * the time from 4 clients on, with 16 from 64 clients on; 128 gain nothing.
 * Ones that are idle cost preflightd a descriptor each. */
enum { KEEPALIVE = 64 };

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
	fprintf(e->to, ";\n"
	    "\t# Connections that each worker process keeps: as many as "
	    "preflights and asked\n\t# requests are under way at once.\n"
	    "\tkeepalive %d;\n"
	    "}\n", KEEPALIVE);
}

/* nginx answers 502 where the fields of an answer don't go into one buffer. */
static void
write_buffers(struct export *e)
{
	size_t size = 4;

	while (size * 1024 < reply_max(e->set) + 64)
		size *= 2;
	fprintf(e->to, "\n"
	    "\t# The largest answer of the policies goes into one buffer.\n"
	    "\tfastcgi_buffer_size %zuk;\n"
	    "\tfastcgi_buffers 4 %zuk;\n"
	    "\tfastcgi_busy_buffers_size %zuk;\n", size, size, 2 * size);
}

/* What both locations pass; method and host are values. */
static void
write_passing(struct export *e, const char *method, const char *host)
{
	write_buffers(e);
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
	    "\t# Other modules' access handlers (access_by_lua_block, "
	    "auth_jwt) that stand in\n"
	    "\t# server { } or http { } are inherited: write them into the "
	    "locations that need\n"
	    "\t# them, or have them let pass where $preflightd_preflight is "
	    "OPTIONS.\n"
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

/* Begins a line for the host, behind the mark of odd paths, a space; what is
 * said of the path follows. */
static void
begin_rule(struct export *e, const struct export_host *host, const char *mark)
{
	fprintf(e->to, "\t\"~^[^:]*:%s", mark);
	if (e->names_hosts)
		regex_host(e->to, host->name, host->subdomains, HOST_BARE);
	else
		fputs(REGEX_UNSEEN_HOST, e->to);
	putc(' ', e->to);
}

static void
write_host(struct export *e, const struct export_host *host)
{
	if (!host->by_path) {
		begin_rule(e, host, e->has_paths ? " ?" : "");
		fprintf(e->to, "\" p%zu;\n", host->paths[0].number);
		return;
	}
	begin_rule(e, host, " ");
	fputs("\" \"\";\n", e->to);
	for (size_t i = 0; i < host->npaths; i++) {
		struct str path = host->paths[i].text;

		begin_rule(e, host, "");
		regex_path(e->to, path);
		fprintf(e->to, "\" p%zu;\n", host->paths[i].number);
		if (path.n <= 1)
			continue;
		begin_rule(e, host, "");
		regex_ambiguous_path(e->to, path);
		fputs("\" \"\";\n", e->to);
	}
}

static void
write_choice(struct export *e)
{
	if (e->has_paths)
		fprintf(e->to, "\n# Where policies differ by path, one that "
		    "servers can read in many ways is odd.\n"
		    "map $request_uri $preflightd_odd {\n"
		    "\tdefault \" \";\n"
		    "\t\"~%s\" \"\";\n"
		    "}\n", regex_clean_path);
	fputs("\n# Which policy serves a request: the first that matches.  "
	    "Preflights are answered\n# elsewhere, whatever they inherit here "
	    "has to be empty.\n", e->to);
	fprintf(e->to, "map \"$preflightd_preflight:%s$host %s\" "
	    "$preflightd_policy {\n"
	    "\tdefault \"\";\n"
	    "\t\"~^OPTIONS:\" preflight;\n",
	    e->has_paths ? "$preflightd_odd" : "",
	    e->has_paths ? "$request_uri" : "");
	for (size_t i = 0; i < e->nhosts; i++)
		write_host(e, &e->hosts[i]);
	fputs("}\n", e->to);
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
	export_policy_comment(e, "\n# ", e->number);
	if (origin_set_any(p->origins))
		return;
	fprintf(e->to, "map $preflightd_lower $preflightd_origin_%zu {\n"
	    "\tdefault \"\";\n", e->number);
	if (origin_set_patterns(p->origins) > 0)
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

static void
write_origin_choice(struct export *e)
{
	fputs("\nmap $preflightd_policy $preflightd_origin {\n"
	    "\tdefault \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (origin_set_any(p->origins))
			fprintf(e->to, "\tp%zu \"*\";\n", i + 1);
		else
			fprintf(e->to, "\tp%zu $preflightd_origin_%zu;\n",
			    i + 1, i + 1);
	}
	fputs("}\n", e->to);
}

static void
write_vary(struct export *e)
{
	fputs("map $preflightd_policy $preflightd_vary {\n"
	    "\tdefault   Origin;\n"
	    "\tpreflight \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		if (origin_set_any(policy_set_sorted(e->set, i)->origins))
			fprintf(e->to, "\tp%zu \"\";\n", i + 1);
	fputs("}\n", e->to);
}

static void
write_credentials(struct export *e)
{
	fputs("map $preflightd_allowed $preflightd_credentials {\n"
	    "\tdefault \"\";\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		if (policy_set_sorted(e->set, i)->credentials)
			fprintf(e->to, "\tp%zu true;\n", i + 1);
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
		fprintf(e->to, "\tp%zu \"", i + 1);
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
	    "# Without an answer the response varies by Origin, to be safe; "
	    "preflights are\n# answered elsewhere.\n"
	    "map \"$preflightd_preflight:$preflightd_status "
	    "$preflightd_varies\" $preflightd_vary {\n"
	    "\tdefault Origin;\n"
	    "\t\"~^OPTIONS:\" \"\";\n"
	    "\t\"~:204 $\" \"\";\n"
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
