/* field.c - fuzzes a list of field names, against the names of the first line
 * as a set. */
#include "config.h"

#include "core/field.h"
#include "fuzz.h"
#include "naive.h"

enum { NAMES_MAX = 64, TEXT_MAX = 4096 };

static const struct place nowhere = {0, 1, 1};

struct names {
	struct field_item items[NAMES_MAX];
	size_t n;
};

/* A set that folds case and one that does not, of the same names. */
struct sets {
	struct names names;
	struct field_set exact, fold;
	struct arena arena;
};

static const struct field_item *
naive_find(const struct names *names, struct str name, enum field_case fold)
{
	for (size_t i = 0; i < names->n; i++) {
		struct str item = names->items[i].name;
		if (!str_eq(item, STR("*")) && (fold == FIELD_FOLD ?
		    str_eq_fold(item, name) : str_eq(item, name)))
			return &names->items[i];
	}
	return NULL;
}

/* The first of the same is what is found, with its place. */
static void
check_found(const struct field_item *got, const struct field_item *wanted)
{
	HOLDS((got == NULL) == (wanted == NULL));
	if (got == NULL)
		return;
	HOLDS(str_eq(got->name, wanted->name));
	HOLDS(got->at.col == wanted->at.col);
}

static void
check_found_in(const struct sets *s, struct str name)
{
	check_found(field_set_find(&s->exact, name),
	    naive_find(&s->names, name, FIELD_EXACT));
	check_found(field_set_find(&s->fold, name),
	    naive_find(&s->names, name, FIELD_FOLD));
}

static void
check_name(struct str text)
{
	struct str once = method_normalize(text);

	HOLDS(token_valid(text) == naive_token(text));
	HOLDS(str_eq_fold(once, text));
	HOLDS(str_eq(method_normalize(once), once));
	if (method_check(text, NULL, nowhere) == 0)
		HOLDS(naive_token(text) && !method_is_forbidden(text));
	if (request_header_check(text, NULL, nowhere) == 0)
		HOLDS(naive_token(text) && !request_header_is_forbidden(text));
	if (response_header_check(text, NULL, nowhere) == 0)
		HOLDS(naive_token(text));
}

/* Authorization is the one name that '*' does not cover. */
static bool
naive_covers(const struct sets *s, struct str name)
{
	return naive_find(&s->names, name, FIELD_FOLD) != NULL ||
	    (s->fold.any && !str_eq_fold(name, STR("authorization")));
}

/* The first element that is no token or, before there is one, is not covered or
 * has no room left in an answer that names all so far; true where all are
 * tokens. */
static bool
naive_admits(const struct sets *s, struct str list, size_t room,
    struct str *refused)
{
	struct str element;
	size_t used = 0, at = 0;

	*refused = STR("");
	while (naive_element(list, &at, &element)) {
		if (!naive_token(element)) {
			*refused = element;
			return false;
		}
		used += element.n + 2;
		if (refused->n == 0 &&
		    (!naive_covers(s, element) || used > room))
			*refused = element;
	}
	return true;
}

static void
check_admits(const struct sets *s, struct str list)
{
	static const size_t rooms[] = {SIZE_MAX / 2, 40, 400};
	struct str refused, wanted;

	for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
		size_t room = rooms[i];

		refused = STR("");
		HOLDS(naive_admits(s, list, room, &wanted) ==
		    field_set_admits(&s->fold, list, &room, &refused));
		HOLDS(str_eq(refused, wanted));
	}
}

/* The elements are those of the naive reading; joined again, they are the same
 * list. */
static void
check_list(const struct sets *s, struct str list)
{
	char text[4 * TEXT_MAX];
	struct buf joined = BUF(text);
	struct str rest = list, element, name, again;
	size_t at = 0;

	while (list_next(&rest, &name)) {
		HOLDS(naive_element(list, &at, &element));
		HOLDS(str_eq(name, element));
		check_name(name);
		check_found_in(s, name);
		buf_add(&joined, STR(" ,\t, "));
		buf_add(&joined, name);
	}
	HOLDS(!naive_element(list, &at, &element));
	HOLDS(!joined.full);
	again = buf_str(&joined);
	for (rest = list; list_next(&rest, &element);) {
		struct str same;
		HOLDS(list_next(&again, &same));
		HOLDS(str_eq(same, element));
	}
	HOLDS(!list_next(&again, &element));
}

static void
sets_make(struct sets *s, struct str list)
{
	size_t at = 0;
	struct str element;

	s->arena = (struct arena){NULL};
	s->names.n = 0;
	while (s->names.n < NAMES_MAX && naive_element(list, &at, &element)) {
		s->names.items[s->names.n] = (struct field_item){
		    .name = element, .at = {0, 1, (unsigned)s->names.n + 1}};
		s->names.n++;
	}
	HOLDS(field_set_init(&s->exact, FIELD_EXACT, s->names.items,
	    s->names.n, &s->arena) == 0);
	HOLDS(field_set_init(&s->fold, FIELD_FOLD, s->names.items, s->names.n,
	    &s->arena) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str rest = {(const char *)data, size};
	struct sets s;

	if (size > TEXT_MAX)
		return 0;
	sets_make(&s, fuzz_line(&rest));
	for (size_t i = 0; i < s.names.n; i++)
		check_found_in(&s, s.names.items[i].name);
	check_list(&s, rest);
	check_admits(&s, rest);
	arena_clear(&s.arena);
	return 0;
}
