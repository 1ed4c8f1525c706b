#include "config.h"

#include "status/ask.h"

#include "core/path.h"
#include "core/target.h"

/* Bytes that every web server reads as they are. */
static bool
is_plain(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		unsigned char c = (unsigned char)path.p[i];
		if (c <= 0x20 || c >= 0x7f || strchr("%?#;*\"'!\\", c) != NULL)
			return false;
	}
	return true;
}

bool
status_path_valid(struct str path)
{
	char space[STATUS_PATH_MAX];
	struct str plain;

	return path.n > 1 && path.n <= STATUS_PATH_MAX &&
	    path.p[path.n - 1] != '/' && is_plain(path) &&
	    path_plain(path, space, sizeof space, &plain) &&
	    str_eq(plain, path);
}

/* A path that ends in '/' or in a dot segment is another, and an encoded slash
 * is none: web servers hold so too. */
static bool
is_at(struct str raw, struct str path)
{
	char space[4096];
	struct str plain;

	return !path_escapes_slash(raw) &&
	    path_plain(raw, space, sizeof space, &plain) &&
	    str_eq(plain, path);
}

/* Without REQUEST_URI there are only the two parts that CGI has, decoded. */
static bool
is_joined(const struct request *r, struct str path)
{
	return r->script_name.n + r->path_info.n == path.n &&
	    str_starts(path, r->script_name) && str_ends(path, r->path_info);
}

static bool
form_parse(struct str word, enum status_form *out)
{
	static const struct {
		struct str word;
		enum status_form form;
	} forms[] = {
		{{"text", 4}, STATUS_TEXT},
		{{"json", 4}, STATUS_JSON},
		{{"openmetrics", 11}, STATUS_METRICS},
		{{"html", 4}, STATUS_HTML},
	};

	/* Prometheus can only write ?openmetrics= */
	if (word.n > 0 && word.p[word.n - 1] == '=')
		word.n--;
	for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
		if (str_eq(word, forms[i].word)) {
			*out = forms[i].form;
			return true;
		}
	return false;
}

/* The first word of the query that names a form; text without one. */
static enum status_form
form_asked(struct str uri)
{
	enum status_form form = STATUS_TEXT;
	size_t at = str_find_any(uri, "?");
	struct str rest, word;

	if (at == uri.n)
		return form;
	rest = str_from(uri, at + 1);
	for (;;) {
		word = (struct str){rest.p, str_find_any(rest, "&")};
		if (form_parse(word, &form) || word.n == rest.n)
			return form;
		rest = str_from(rest, word.n + 1);
	}
}

bool
status_asked(struct str path, const struct request *r, struct status_ask *out)
{
	struct target t;

	if (path.n == 0 || r->uri_differs)
		return false;
	target_split(r->uri, &t);
	if (r->uri.n > 0 ? !is_at(t.path, path) : !is_joined(r, path))
		return false;
	out->form = form_asked(r->uri);
	out->head = str_eq(r->method, STR("HEAD"));
	out->refused = !out->head && !str_eq(r->method, STR("GET"));
	return true;
}
