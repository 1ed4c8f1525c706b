/* print.c - the findings for people and for programs. */
#include "config.h"

#include "verify/verify.h"

#include "base/color.h"
#include "base/escape.h"

/* ---- text -------------------------------------------------------------- */

static void
print_finding(const struct verify_finding *f, FILE *to)
{
	bool colour = color_wanted(to);

	fprintf(to, "  %s%s:%s %.*s", color(colour, COLOR_BAD), f->of->name,
	    color(colour, COLOR_OFF), STR_ARG(f->text));
	if (f->more > 0)
		fprintf(to, ", and %zu more like it", f->more);
	fprintf(to, " [%s]\n    %s\n", verify_id_name(f->id),
	    verify_id_hint(f->id, f->of->kind));
}

static void
print_server(const struct verify *v, const struct verify_server *s, FILE *to)
{
	const struct policy *p = s->policy;

	escape_print(to, s->url.text);
	if (p != NULL) {
		fprintf(to, ": policy %.*s (", STR_ARG(p->name));
		escape_print(to, str_of(policy_set_file_name(v->set,
		    p->section.file)));
		fprintf(to, ":%u)", p->section.line);
	} else {
		fputs(": no policy serves it", to);
	}
	fprintf(to, ", %zu request%s, ", s->requests,
	    s->requests == 1 ? "" : "s");
	if (s->findings.count == 0)
		fprintf(to, "%sok%s\n", color(color_wanted(to), COLOR_GOOD),
		    color(color_wanted(to), COLOR_OFF));
	else
		fprintf(to, "%zu finding%s\n", s->findings.count,
		    s->findings.count == 1 ? "" : "s");
	for (size_t i = 0; i < s->findings.count; i++)
		print_finding(&s->findings.items[i], to);
}

void
verify_print_text(const struct verify *v, FILE *to)
{
	for (size_t i = 0; i < v->nservers; i++)
		print_server(v, &v->servers[i], to);
}

/* ---- JSON -------------------------------------------------------------- */

static json_t *
json_finding(const struct verify_finding *f)
{
	return json_pack("{s:s, s:s, s:s%, s:s, s:i, s:I}",
	    "id", verify_id_name(f->id), "case", f->of->name,
	    "text", f->text.p, f->text.n, "hint",
	    verify_id_hint(f->id, f->of->kind),
	    "status", f->status, "more", (json_int_t)f->more);
}

static json_t *
json_findings(const struct verify_findings *f)
{
	json_t *array = json_array();

	for (size_t i = 0; i < f->count; i++)
		if (!json_add(&array, json_finding(&f->items[i])))
			break;
	return array;
}

static json_t *
json_server(const struct verify_server *s)
{
	const struct policy *p = s->policy;

	return json_pack("{s:s%, s:o, s:b, s:I, s:o}",
	    "url", s->url.text.p, s->url.text.n,
	    "policy", p != NULL ? json_stringn(p->name.p, p->name.n) :
	    json_null(), "ok", s->findings.count == 0,
	    "requests", (json_int_t)s->requests,
	    "findings", json_findings(&s->findings));
}

int
verify_print_json(const struct verify *v, FILE *to)
{
	json_t *servers = json_array(), *root;
	int ret = -1;

	for (size_t i = 0; i < v->nservers; i++)
		if (!json_add(&servers, json_server(&v->servers[i])))
			break;
	root = json_pack("{s:b, s:o}", "ok", verify_is_good(v), "servers",
	    servers);
	if (root != NULL && json_print(root, to, JSON_INDENT(2)) == 0 &&
	    putc('\n', to) != EOF)
		ret = 0;
	json_decref(root);
	return ret;
}
