#include "config.h"

#include "base/buf.h"
#include "conf/conf_impl.h"
#include "conf/lint.h"

/* ---- sections as a whole ----------------------------------------------- */

/* Reports the sections of a kind whose name stands before.  Returns 0, or -1
 * without memory. */
static int
check_names(struct conf *c, enum section_kind kind)
{
	struct names names = {.count = 0};
	struct field_set set;
	struct section *s;

	for (s = c->sections; s != NULL; s = s->next)
		if (s->kind == kind && s->name.n > 0 &&
		    names_add(c, &names, s->name, s->at) != 0)
			return -1;
	if (field_set_init(&set, FIELD_EXACT, names.items, names.count,
	    &c->scratch) != 0)
		return -1;
	for (s = c->sections; s != NULL; s = s->next) {
		const struct field_item *first;

		if (s->kind != kind || s->name.n == 0)
			continue;
		first = field_set_find(&set, s->name);
		if (first == NULL || first->at.line == s->at.line)
			continue;
		s->second = true;
		diag_add(c->d, DIAG_ERROR, s->at, "section-duplicate",
		    "give it another name, or write one section",
		    "duplicate [%s %.*s], first at line %u",
		    kind == SECTION_TEST ? "test" : "policy",
		    STR_ARG(s->name), first->at.line);
	}
	return 0;
}

/* Where the list has a name a second time. */
static void
report_duplicates(struct conf *c, const struct field_set *set,
    const struct names *list, const char *id)
{
	const struct str star = STR("*");
	struct shown shown;

	for (size_t i = 0; i < list->count; i++) {
		const struct field_item *item = &list->items[i];
		const struct field_item *found =
		    field_set_find(set, item->name);
		struct place first = str_eq(item->name, star) ? set->any_at :
		    found != NULL ? found->at : item->at;

		if (first.line == item->at.line && first.col == item->at.col)
			continue;
		diag_add(c->d, DIAG_WARNING, item->at, id,
		    "remove one of them",
		    "'%s' is listed in line %u already",
		    buf_shown(&shown, item->name), first.line);
	}
}

/* Makes a set of a list of the section.  Returns 0, or -1 without memory. */
static int
compile_fields(struct conf *c, struct section *s, enum policy_key key,
    enum field_case fold, const char *id, struct field_set *out)
{
	const struct names *list = &s->lists[key];

	if (field_set_init(out, fold, list->items, list->count, c->kept) != 0)
		return -1;
	report_duplicates(c, out, list, id);
	return 0;
}

/* The same for hosts and paths.  '*' goes last; the order means nothing. */
static int
compile_claims(struct conf *c, struct section *s, enum policy_key key,
    const char *id, const struct claim **out, size_t *count)
{
	struct field_set set;
	struct claim *claims;

	if (compile_fields(c, s, key, FIELD_EXACT, id, &set) != 0)
		return -1;
	claims = arena_array(c->kept, set.count + 1, sizeof(*claims));
	if (claims == NULL)
		return -1;
	for (size_t i = 0; i < set.count; i++)
		claims[i] = (struct claim){set.items[i].name, set.items[i].at};
	*count = set.count;
	if (set.any)
		claims[(*count)++] = (struct claim){STR("*"), set.any_at};
	*out = claims;
	return 0;
}

static void
check_empty(struct conf *c, const struct section *s, enum policy_key key)
{
	size_t count;
	const struct conf_key *keys = conf_keys(SECTION_POLICY, &count);

	if (s->set[key] && s->elements[key] == 0)
		diag_add(c->d, DIAG_ERROR, s->key_at[key], "key-empty",
		    "list what the policy serves, or remove the key",
		    "key '%s' has no value", keys[key].name);
}

/* Compiles the lists of a [policy] or [defaults].  Returns 0, or -1 without
 * memory. */
static int
compile(struct conf *c, struct section *s)
{
	struct policy *v = &s->values;

	check_empty(c, s, KEY_HOST);
	check_empty(c, s, KEY_PATH);
	if (compile_claims(c, s, KEY_HOST, "host-duplicate", &v->hosts,
	        &v->nhosts) != 0 ||
	    compile_claims(c, s, KEY_PATH, "path-duplicate", &v->paths,
	        &v->npaths) != 0 ||
	    compile_fields(c, s, KEY_ALLOW_METHODS, FIELD_EXACT,
	        "method-duplicate", &v->methods) != 0 ||
	    compile_fields(c, s, KEY_ALLOW_HEADERS, FIELD_FOLD,
	        "header-duplicate", &v->headers) != 0 ||
	    compile_fields(c, s, KEY_EXPOSE_HEADERS, FIELD_FOLD,
	        "expose-duplicate", &v->expose) != 0)
		return -1;
	lint_methods(&v->methods, c->d);
	lint_headers(&v->headers, c->d);
	return conf_origins_load(c, s);
}

/* ---- policies ---------------------------------------------------------- */

/* What holds where neither the policy nor [defaults] sets a key.  Returns 0, or
 * -1 without memory. */
static int
init_policy(struct conf *c, const struct section *s, struct policy *p)
{
	const struct field_item methods[] = {
		{.name = STR("GET"), .at = s->at},
		{.name = STR("HEAD"), .at = s->at},
		{.name = STR("POST"), .at = s->at},
	};
	struct claim *claims = arena_array(c->kept, 2, sizeof(*claims));

	if (claims == NULL)
		return -1;
	claims[0] = (struct claim){STR("*"), s->at};
	claims[1] = (struct claim){STR("/"), s->at};
	*p = (struct policy){.name = s->name, .section = s->at,
	    .hosts = &claims[0], .nhosts = 1, .paths = &claims[1], .npaths = 1,
	    .max_age = MAX_AGE_UNSET, .success_status = SUCCESS_STATUS_DEFAULT,
	    .refuse_status = REFUSE_STATUS_DEFAULT};
	if (field_set_init(&p->methods, FIELD_EXACT, methods, 3,
	        c->kept) != 0 ||
	    field_set_init(&p->headers, FIELD_FOLD, NULL, 0, c->kept) != 0 ||
	    field_set_init(&p->expose, FIELD_FOLD, NULL, 0, c->kept) != 0)
		return -1;
	for (size_t k = 0; k < KEY_COUNT; k++)
		p->at[k] = s->at;
	return 0;
}

static void
take_value(struct policy *p, const struct policy *from, enum policy_key key)
{
	size_t count;
	const struct conf_key *k = &conf_keys(SECTION_POLICY, &count)[key];
	void *to = (char *)p + k->offset;
	const void *value = (const char *)from + k->offset;

	if (k->kind == VALUE_CHOICE) {
		memcpy(to, value, sizeof(bool));
	} else if (!conf_key_is_list(k)) {
		memcpy(to, value, sizeof(int));
	} else if (key == KEY_HOST) {
		p->hosts = from->hosts;
		p->nhosts = from->nhosts;
	} else if (key == KEY_PATH) {
		p->paths = from->paths;
		p->npaths = from->npaths;
	} else if (key == KEY_ALLOW_METHODS) {
		p->methods = from->methods;
	} else if (key == KEY_ALLOW_HEADERS) {
		p->headers = from->headers;
	} else if (key == KEY_EXPOSE_HEADERS) {
		p->expose = from->expose;
	} /* for allow-origins see set_origins */
}

/* The section that a policy has a key from, or NULL. */
static const struct section *
source_of(const struct conf *c, const struct section *s, enum policy_key key)
{
	if (s->set[key])
		return s;
	if (c->defaults != NULL && c->defaults->set[key])
		return c->defaults;
	return NULL;
}

/* Sets the policy's origins, empty where it has none: an error.  Returns 0, or
 * -1 without memory. */
static int
set_origins(struct conf *c, const struct section *s, struct policy *p,
    bool *risky)
{
	const struct section *from = source_of(c, s, KEY_ALLOW_ORIGINS);
	const struct origin_list *list = from != NULL ? from->origins : NULL;
	struct origin_set *none;

	if (list != NULL) {
		p->origins = list->set;
		*risky = list->risky;
	} else {
		none = origin_set_new();
		if (none == NULL || policy_set_own(c->set, none) != 0)
			return -1;
		p->origins = none;
		*risky = false;
	}
	/* What was refused was reported where it stands. */
	if (origin_set_count(p->origins) > 0 ||
	    (list != NULL ? list->faulty : s->damaged || s->second ||
	        s->foreign))
		return 0;
	diag_add(c->d, DIAG_ERROR, from == s ? s->key_at[KEY_ALLOW_ORIGINS] :
	    s->at, "policy-no-origins",
	    "write allow-origins = https://app.example.com, here or in "
	    "[defaults]", s->name.n > 0 ? "policy '%.*s' allows no origin" :
	    "the policy%.*s allows no origin", STR_ARG(s->name));
	return 0;
}

/* Fills in the defaults and adds the policy to the set.  Returns 0, or -1
 * without memory. */
static int
build_policy(struct conf *c, const struct section *s)
{
	struct policy p;
	bool risky;

	if (init_policy(c, s, &p) != 0)
		return -1;
	for (int k = 0; k < KEY_COUNT; k++) {
		enum policy_key key = (enum policy_key)k;
		const struct section *from = source_of(c, s, key);

		if (from == NULL)
			continue;
		take_value(&p, &from->values, key);
		p.set[k] = true;
		p.at[k] = from->key_at[k];
	}
	if (set_origins(c, s, &p, &risky) != 0)
		return -1;
	lint_policy(&p, risky, c->d);
	/* Of claims that stand twice, or under no name, enough was said. */
	if (s->second || s->name.n == 0)
		return 0;
	return policy_set_add(c->set, &p);
}

static bool
has_key(const struct section *s)
{
	for (int k = 0; k < KEY_COUNT; k++)
		if (s->set[k])
			return true;
	return false;
}

int
conf_compile(struct conf *c)
{
	const struct section *defaults;
	bool found = false;

	for (struct section *s = c->sections; s != NULL; s = s->next)
		if (s->kind != SECTION_TEST && compile(c, s) != 0)
			return -1;
	if (check_names(c, SECTION_POLICY) != 0 ||
	    check_names(c, SECTION_TEST) != 0)
		return -1;
	for (struct section *s = c->sections; s != NULL; s = s->next) {
		if (s->kind != SECTION_POLICY)
			continue;
		found = found || !s->foreign || has_key(s);
		if (build_policy(c, s) != 0)
			return -1;
	}
	if (!found)
		diag_add(c->d, DIAG_ERROR, (struct place){c->file,
		    1, 1}, "policy-none",
		    "write a section [policy NAME] with allow-origins",
		    "the file has no policy");
	defaults = c->defaults;
	policy_set_defaults(c->set, defaults != NULL ?
	    defaults->values.refuse_status : REFUSE_STATUS_DEFAULT,
	    defaults != NULL && defaults->values.debug);
	if (defaults != NULL)
		policy_set_defaults_at(c->set,
		    defaults->key_at[KEY_REFUSE_STATUS],
		    defaults->key_at[KEY_DEBUG]);
	return policy_set_seal(c->set, c->d);
}
