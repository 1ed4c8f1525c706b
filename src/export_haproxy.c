/* export_haproxy.c - HAProxy: a backend that is a FastCGI application, and in
 * each frontend what sends preflights there and sets fields on all responses,
 * HAProxy's own errors too (http-after-response). */
#include "config.h"

#include "export.h"

#include "export_regex.h"

/* ---- preflights -------------------------------------------------------- */

static void
write_sections(struct export *e)
{
	fputs("# Put it beside the other sections, or into a file of its own "
	    "(-f).\n\n"
	    "fcgi-app preflightd\n"
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

static bool
is_same_host(const struct export_rule *a, const struct export_rule *b)
{
	return a->subdomains == b->subdomains && str_eq(a->host, b->host);
}

/* The number of the rule's host: rules of a host stand together. */
static size_t
host_number(const struct export *e, size_t rule)
{
	size_t n = 1;

	for (size_t i = 1; i <= rule; i++)
		n += !is_same_host(&e->rules[i - 1], &e->rules[i]);
	return n;
}

static void
write_hosts(struct export *e)
{
	for (size_t i = 0; i < e->nrules; i++) {
		const struct export_rule *rule = &e->rules[i];

		if (rule->host.n == 0 ||
		    (i > 0 && is_same_host(rule, rule - 1)))
			continue;
		fprintf(e->to, "    acl preflightd_host_%zu req.fhdr(Host) -i "
		    "-m reg -- '^", host_number(e, i));
		regex_host(e->to, rule->host, rule->subdomains);
		fputs(REGEX_HOST_END "'\n", e->to);
	}
}

static void
write_rule(struct export *e, size_t i, const char *variable,
    enum path_reading reading)
{
	const struct export_rule *rule = &e->rules[i];

	fprintf(e->to, "    http-request set-var(txn.%s) str(%.*s) if "
	    "!preflightd_odd", variable, STR_ARG(rule->policy->name));
	if (rule->host.n > 0)
		fprintf(e->to, " preflightd_host_%zu", host_number(e, i));
	if (rule->subdomains)
		fputs(" !preflightd_long_host", e->to);
	if (rule->path.n > 1) {
		fputs(" { var(txn.preflightd_path) -m reg -- '^", e->to);
		regex_path(e->to, rule->path, PATH_DECODED, reading);
		fputs("' }", e->to);
	}
	putc('\n', e->to);
}

/* Each that matches replaces the ones before: the most specific is last. */
static void
write_rules(struct export *e, const char *variable, enum path_reading reading)
{
	for (size_t i = e->nrules; i > 0; i--)
		write_rule(e, i - 1, variable, reading);
}

static void
write_choice(struct export *e)
{
	const char *const *odd = regex_odd(PATH_RAW);

	fputs("\n    # Paths that servers read in different ways get no "
	    "policy, nor do those with\n    # dot segments, which browsers "
	    "never send.\n", e->to);
	for (; *odd != NULL; odd++)
		fprintf(e->to, "    acl preflightd_odd path -m reg -- '%s'\n",
		    *odd);
	fputs("    acl preflightd_odd req.fhdr(Host) -m reg -- '"
	    REGEX_BAD_HOST "'\n"
	    "    acl preflightd_long_host req.fhdr(Host) -m reg -- '"
	    REGEX_LONG_HOST "'\n", e->to);
	write_hosts(e);
	fputs("\n    # Which policy serves a host and a path: the last that "
	    "matches.\n", e->to);
	if (!e->has_paths) {
		write_rules(e, "preflightd_policy", PATH_LITERAL);
		return;
	}
	fputs("    http-request set-var(txn.preflightd_path) path,url_dec\n",
	    e->to);
	write_rules(e, "preflightd_literal", PATH_LITERAL);
	fputs("    # The same for what cuts ;parameters off a path: where that "
	    "leads to another\n    # policy, neither is safe.\n", e->to);
	write_rules(e, "preflightd_plain", PATH_PLAIN);
	fputs("    http-request set-var(txn.preflightd_policy) "
	    "var(txn.preflightd_literal) if { var(txn.preflightd_literal),"
	    "strcmp(txn.preflightd_plain) eq 0 }\n", e->to);
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

	export_policy_comment(e, "\n    # ", p);
	if (star) {
		fprintf(e->to, "    acl preflightd_origin_%zu req.fhdr(Origin) "
		    "-m reg -- '" REGEX_CLEAN "'\n", e->number);
	} else {
		/* The list may be empty. */
		fprintf(e->to, "    acl preflightd_origin_%zu always_false\n",
		    e->number);
		export_origins(e, p, write_origin);
	}
	fprintf(e->to, "    http-request set-var(txn.preflightd_origin) %s if "
	    "preflightd_one_origin%s preflightd_origin_%zu "
	    "{ var(txn.preflightd_policy) -m str %.*s }\n",
	    star ? "str(*)" : "req.fhdr(Origin)",
	    star ? "" : " !preflightd_long_origin", e->number,
	    STR_ARG(p->name));
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
write_policy_fields(struct export *e, const struct policy *p)
{
	const char *condition = "if !preflightd_preflight preflightd_allowed "
	    "{ var(txn.preflightd_policy) -m str ";

	if (p->credentials)
		fprintf(e->to, "    http-after-response set-header "
		    "Access-Control-Allow-Credentials true %s%.*s }\n",
		    condition, STR_ARG(p->name));
	if (!export_exposes(p))
		return;
	fputs("    http-after-response set-header "
	    "Access-Control-Expose-Headers \"", e->to);
	export_exposed(e, p, escape);
	fprintf(e->to, "\" %s%.*s }\n", condition, STR_ARG(p->name));
}

static void
write_vary(struct export *e)
{
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_sorted(e->set, i);

		if (origin_set_any(p->origins))
			fprintf(e->to, "    acl preflightd_any "
			    "var(txn.preflightd_policy) -m str %.*s\n",
			    STR_ARG(p->name));
	}
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
		write_policy_fields(e, policy_set_sorted(e->set, i));
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
