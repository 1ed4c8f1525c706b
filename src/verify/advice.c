/* advice.c - the findings: names, what to do about each, a list of them. */
#include "config.h"

#include "verify/check.h"

static const struct {
	const char *name, *hint;
	const char *of_preflight; /* the hint there, NULL: the same */
} ids[VERIFY_ID_COUNT] = {
	[VERIFY_UNREACHABLE] = {"unreachable",
	    "see that the server runs, and that its name and port are right",
	    NULL},
	[VERIFY_TLS] = {"tls",
	    "give the certificate of its authority with --cacert, or mend the "
	    "server's own", NULL},
	[VERIFY_TIMEOUT] = {"timeout",
	    "see why the server is slow, or wait longer with --timeout", NULL},
	[VERIFY_NOT_HTTP] = {"not-http",
	    "see that the port is one that speaks this scheme", NULL},
	[VERIFY_REDIRECT] = {"preflight-redirect",
	    "browsers follow no redirect on a preflight: delegate preflights "
	    "ahead of it (nginx: include before any return or rewrite of the "
	    "server), or use the URL that it leads to", NULL},
	[VERIFY_UNAUTHORIZED] = {"preflight-unauthorized",
	    "browsers send preflights without logins: delegate them ahead of "
	    "authentication (nginx: in server { }, not in a location; "
	    "lighttpd: with auth.require = ())", NULL},
	[VERIFY_FORBIDDEN] = {"preflight-forbidden",
	    "see which rule of the server forbids OPTIONS here, or whether "
	    "preflightd has another policy or gets another host or path", NULL},
	[VERIFY_NOT_FOUND] = {"preflight-not-found",
	    "the preflight reaches a handler without a route for it: delegate "
	    "OPTIONS with Origin and Access-Control-Request-Method to "
	    "preflightd (lighttpd: with \"check-local\" => \"disable\", or "
	    "it wants a file)", NULL},
	[VERIFY_METHOD_NOT_ALLOWED] = {"preflight-method-not-allowed",
	    "the preflight reaches a handler that knows no OPTIONS: delegate "
	    "OPTIONS with Origin and Access-Control-Request-Method to "
	    "preflightd", NULL},
	[VERIFY_NOT_OPTIONS] = {"not-options",
	    "the server hands preflightd other requests than OPTIONS: delegate "
	    "OPTIONS alone", "let the server pass the method (nginx: "
	    "fastcgi_param REQUEST_METHOD $request_method)"},
	[VERIFY_SERVER_ERROR] = {"preflight-server-error",
	    "see that preflightd runs and that the server may connect to its "
	    "socket; the server's error log says which: no such file is "
	    "another path, connection refused is nobody there, permission "
	    "denied is the socket's group or mode", NULL},
	[VERIFY_STATUS] = {"preflight-status",
	    "see who answers the preflight, which is not this policy, and "
	    "delegate ahead of it (nginx: include before any return of the "
	    "server; lighttpd: mod_fastcgi in server.modules)", NULL},
	[VERIFY_WRONG_POLICY] = {"wrong-policy",
	    "see that the server passes HTTP_HOST and REQUEST_URI as they "
	    "came, sets no other CORS_POLICY, and that preflightd has loaded "
	    "this policy file", NULL},
	[VERIFY_ORIGIN_MISSING] = {"allow-origin-missing",
	    "let the server add what the policy says: preflightd export "
	    "writes it; in nginx a location with an add_header of its own has "
	    "none of its server's: include the headers there too",
	    "see who answers the preflight: delegate ahead of it (nginx: "
	    "include before any return of the server), and pass the "
	    "request's headers"},
	[VERIFY_ORIGIN_DUPLICATE] = {"allow-origin-duplicate",
	    "the application and the server both add it: take it out of the "
	    "one, or let the server remove that of the other "
	    "(nginx: proxy_hide_header)",
	    "the server adds it to what preflightd says: let it add nothing "
	    "there (nginx: add_header Vary \"\" in the location; lighttpd: "
	    "setenv.add-response-header = ())"},
	[VERIFY_ORIGIN_WRONG] = {"allow-origin-wrong",
	    "send the request's own origin where the policy allows it, and "
	    "nothing else", NULL},
	[VERIFY_ORIGIN_GRANTED] = {"origin-granted",
	    "compare the whole origin byte for byte; an expression needs "
	    "both ends anchored and its dots escaped", NULL},
	[VERIFY_STAR_CREDENTIALS] = {"star-with-credentials",
	    "with credentials browsers want the page's own origin: '*' is "
	    "refused", NULL},
	[VERIFY_CREDENTIALS_MISSING] = {"credentials-missing",
	    "send Access-Control-Allow-Credentials: true, in lower case and "
	    "once", NULL},
	[VERIFY_CREDENTIALS_GRANTED] = {"credentials-granted",
	    "take Access-Control-Allow-Credentials out, or write "
	    "allow-credentials = yes", NULL},
	[VERIFY_REFUSED_HEADERS] = {"refused-with-headers",
	    "send no Access-Control header where the origin is refused", NULL},
	[VERIFY_LIST_SYNTAX] = {"list-syntax",
	    "separate names by commas", NULL},
	[VERIFY_METHODS] = {"methods-differ",
	    "see who answers the preflight, and that preflightd has loaded "
	    "this policy file", NULL},
	[VERIFY_HEADERS] = {"headers-differ",
	    "see who answers the preflight, and that preflightd has loaded "
	    "this policy file", NULL},
	[VERIFY_EXPOSE] = {"expose-differs",
	    "let the server send what expose-headers lists: preflightd export "
	    "writes it", NULL},
	[VERIFY_MAX_AGE] = {"max-age-differs",
	    "see who answers the preflight, and that preflightd has loaded "
	    "this policy file", NULL},
	[VERIFY_VARY] = {"vary-missing",
	    "send it on every response, also without an Origin and to refused "
	    "ones, or a cache hands one origin's response to another", NULL},
	[VERIFY_ERROR_HEADERS] = {"errors-without-headers",
	    "add the headers to errors too (nginx: add_header ... always; "
	    "Apache: Header always; HAProxy: http-after-response)", NULL},
	[VERIFY_CACHED] = {"cached-origin",
	    "send Vary: Origin on every response, let the cache heed it, and "
	    "empty the cache", NULL},
};

const char *
verify_id_name(enum verify_id id)
{
	return ids[id].name;
}

const char *
verify_id_hint(enum verify_id id, enum verify_kind kind)
{
	return kind == VERIFY_PREFLIGHT && ids[id].of_preflight != NULL ?
	    ids[id].of_preflight : ids[id].hint;
}

static struct verify_finding *
find(const struct verify_findings *f, enum verify_id id, enum verify_kind kind)
{
	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].id == id && f->items[i].of->kind == kind)
			return &f->items[i];
	return NULL;
}

bool
verify_findings_has(const struct verify_findings *f, enum verify_id id,
    enum verify_kind kind)
{
	return find(f, id, kind) != NULL;
}

int
verify_findings_add(struct verify_findings *f,
    const struct verify_finding *finding, struct arena *a)
{
	struct verify_finding *same = find(f, finding->id, finding->of->kind);
	struct verify_finding *items;

	if (same != NULL) {
		same->more++;
		return 0;
	}
	items = arena_grow(a, f->items, f->count, &f->cap, sizeof(*items));
	if (items == NULL)
		return -1;
	f->items = items;
	f->items[f->count++] = *finding;
	return 0;
}
