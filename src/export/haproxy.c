/* haproxy.c - HAProxy: a backend that is a FastCGI application, and in
 * each frontend what sends preflights there and sets fields on all responses,
 * HAProxy's own errors too (http-after-response). */
#include "config.h"

#include "export/export.h"

#include "core/response.h"
#include "export/regex.h"

/* ---- preflights -------------------------------------------------------- */

static void
write_sections(struct export *e)
{
	enum { ROOM = 15 * 1024 }; /* tune.bufsize less tune.maxrewrite */

	fputs("# Put it beside the other sections, or into a file of its own "
	    "(-f).\n\n", e->to);
	if (reply_max(e->set) > ROOM)
		fprintf(e->to, "# An answer to a preflight may take %zu bytes, "
		    "more than HAProxy has room for:\n"
		    "# global needs a tune.bufsize of that and 1024 more, or "
		    "it answers 502.\n\n", reply_max(e->set));
	fputs(	    "fcgi-app preflightd\n"
	    "    docroot /var/empty    # HAProxy wants one; nothing is read\n"
	    "\n"
	    "backend preflightd\n"
	    "    mode http\n"
	    "    use-fcgi-app preflightd\n"
	    "    http-reuse always\n"
	    "    # Where preflightd has closed a kept connection, ask again.\n"
	    "    retries 2\n"
	    "    retry-on conn-failure empty-response\n"
	    "    timeout connect 1s\n"
	    "    timeout server 5s\n"
	    "    server preflightd ", e->to);
	export_socket(e, "unix@");
	fputs(" proto fcgi\n", e->to);
}

static void
write_delegation(struct export *e)
{
	fputs("    # Preflights go to preflightd; no later http-request rule, "
	    "such as one that\n    # authenticates, sees them.\n"
	    "    acl preflightd_options method OPTIONS\n"
	    "    acl preflightd_from req.fhdr(Origin),length gt 0\n"
	    "    acl preflightd_asks "
	    "req.fhdr(Access-Control-Request-Method),length gt 0\n"
	    "    acl preflightd_preflight "
	    "var(txn.preflightd_preflight) -m bool\n"
	    "    http-request set-var(txn.preflightd_preflight) bool(true) if "
	    "preflightd_options preflightd_from preflightd_asks\n"
	    "    http-request allow if preflightd_preflight\n", e->to);
}

/* ---- which policy ------------------------------------------------------ */

static void
write_hosts(struct export *e)
{
	for (size_t i = 0; i < e->nhosts; i++) {
		const struct export_host *host = &e->hosts[i];

		fprintf(e->to, "    acl preflightd_host_%zu req.fhdr(Host) -i "
		    "-m reg -- '^", i + 1);
		if (e->names_hosts)
			regex_host(e->to, host->name, host->subdomains,
			    HOST_FIELD);
		else
			fputs(REGEX_UNSEEN_HOST, e->to);
		fputs("$'\n", e->to);
	}
	/* '*' alone serves a request without Host too. */
	if (!e->names_hosts)
		fputs("    acl preflightd_host_1 req.fhdr_cnt(Host) eq 0\n",
		    e->to);
}

static void
begin_rule(struct export *e, size_t host, bool ambiguous, size_t number)
{
	if (ambiguous)
		fputs("    http-request unset-var(txn.preflightd_policy)",
		    e->to);
	else
		fprintf(e->to, "    http-request set-var(txn.preflightd_policy)"
		    " str(p%zu)", number);
	fprintf(e->to, " if preflightd_host_%zu", host + 1);
}

static void
write_path(struct export *e, size_t host, const struct export_path *path)
{
	if (path->text.n > 1) {
		begin_rule(e, host, true, 0);
		fputs(" { path -m reg -- '^", e->to);
		regex_ambiguous_path(e->to, path->text);
		fputs("' }\n", e->to);
	}
	begin_rule(e, host, false, path->number);
	fputs(" preflightd_clean { path -m reg -- '^", e->to);
	regex_path(e->to, path->text);
	fputs("' }\n", e->to);
}

static void
write_choice(struct export *e)
{
	putc('\n', e->to);
	write_hosts(e);
	if (e->has_paths)
		fprintf(e->to, "\n    # Where policies differ by path, one "
		    "that servers can read in many ways gets\n    # none.\n"
		    "    acl preflightd_clean path -m reg -- '%s'\n",
		    regex_clean_path);
	fputs("\n    # Which policy serves a request: each line that matches "
	    "replaces the ones\n    # before, the most specific is last.\n",
	    e->to);
	for (size_t i = e->nhosts; i-- > 0;) {
		const struct export_host *host = &e->hosts[i];

		if (!host->by_path) {
			begin_rule(e, i, false, host->paths[0].number);
			putc('\n', e->to);
			continue;
		}
		begin_rule(e, i, true, 0);
		fputs(" !preflightd_clean\n", e->to);
		for (size_t k = host->npaths; k-- > 0;)
			write_path(e, i, &host->paths[k]);
	}
}

/* ---- which origin ------------------------------------------------------ */

static void
write_origin(struct export *e, const struct policy *p, const struct origin *o)
{
	(void)p;
	fprintf(e->to, "    acl preflightd_origin_%zu req.fhdr(Origin) -m ",
	    e->number);
	if (o->kind != ORIGIN_PATTERN) {
		fputs("str -- '", e->to);
		fprintf(e->to, "%.*s'\n", STR_ARG(o->text));
		return;
	}
	fputs("reg -- '^", e->to);
	regex_origin(e->to, o);
	fputs("$'\n", e->to);
}

static void
write_origins(struct export *e, const struct policy *p)
{
	bool star = origin_set_any(p->origins);

	export_policy_comment(e, "\n    # ", e->number);
	if (!star) {
		/* The list may be empty. */
		fprintf(e->to, "    acl preflightd_origin_%zu always_false\n",
		    e->number);
		export_origins(e, p, write_origin);
	}
	fprintf(e->to, "    http-request set-var(txn.preflightd_origin) %s if ",
	    star ? "str(*)" : "req.fhdr(Origin)");
	if (!star)
		fprintf(e->to, "preflightd_one_origin !preflightd_long_origin "
		    "preflightd_origin_%zu ", e->number);
	fprintf(e->to, "{ var(txn.preflightd_policy) -m str p%zu }\n",
	    e->number);
}

/* ---- the fields -------------------------------------------------------- */

/* In double quotes, and in a log format. */
static const char *
escape(char c)
{
	if (c == '%')
		return "%";
	return c == '$' || c == '\\' || c == '"' ? "\\" : "";
}

static void
write_policy_fields(struct export *e, const struct policy *p, size_t number)
{
	const char *condition = "if !preflightd_preflight preflightd_allowed "
	    "{ var(txn.preflightd_policy) -m str ";

	if (p->credentials)
		fprintf(e->to, "    http-after-response set-header "
		    "Access-Control-Allow-Credentials true %sp%zu }\n",
		    condition, number);
	if (!export_exposes(p))
		return;
	fputs("    http-after-response set-header "
	    "Access-Control-Expose-Headers \"", e->to);
	export_exposed(e, p, escape);
	fprintf(e->to, "\" %sp%zu }\n", condition, number);
}

static void
write_vary(struct export *e)
{
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		if (origin_set_any(policy_set_sorted(e->set, i)->origins))
			fprintf(e->to, "    acl preflightd_any "
			    "var(txn.preflightd_policy) -m str p%zu\n", i + 1);
	fprintf(e->to, "    http-after-response add-header Vary Origin if "
	    "!preflightd_preflight%s\n",
	    e->has_star ? " !preflightd_any" : "");
}

static void
write_fields(struct export *e)
{
	fputs("\n    # What applications say about it is replaced.\n", e->to);
	for (size_t i = 0; i < EXPORT_FIELDS; i++)
		fprintf(e->to, "    http-after-response del-header %s if "
		    "!preflightd_preflight\n", export_fields[i]);
	fputs("    acl preflightd_allowed var(txn.preflightd_origin) -m found\n"
	    "    http-after-response set-header Access-Control-Allow-Origin "
	    "%[var(txn.preflightd_origin)] if !preflightd_preflight "
	    "preflightd_allowed\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++)
		write_policy_fields(e, policy_set_sorted(e->set, i), i + 1);
	/* A cached answer must not reach another origin. */
	write_vary(e);
}

static void
write_frontend(struct export *e)
{
	fputs("    # Put it at the top of every frontend that answers other "
	    "origins, before its\n    # other rules.  HAProxy has to be built "
	    "with PCRE or PCRE2, as distributions do.\n\n", e->to);
	write_delegation(e);
	write_choice(e);
	fputs("\n    acl preflightd_one_origin req.fhdr_cnt(Origin) eq 1\n"
	    "    acl preflightd_long_origin req.fhdr(Origin) -m reg -- '"
	    REGEX_LONG_ORIGIN "'\n", e->to);
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		e->number = i + 1;
		write_origins(e, policy_set_sorted(e->set, i));
	}
	write_fields(e);
	fputs("\n    # HAProxy warns of http-request rules behind this line: "
	    "that they are processed\n    # before it is right.\n"
	    "    use_backend preflightd if preflightd_preflight\n", e->to);
}

const struct export_server export_haproxy = {
	.name = "haproxy",
	.can_ask = false,
	.no_ask = "HAProxy asks nobody for a response's header fields: leave "
	    "it static",
	.origins_max = 10000,
	.line_max = 2000,
	.no_field = "",
	.parts = {
		{"sections", "#", write_sections},
		{"frontend", "#", write_frontend},
	},
};
