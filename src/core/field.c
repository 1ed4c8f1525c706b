#include "config.h"

#include "core/field.h"

#include <stdlib.h>

#include "base/lanes.h"

/* The bytes that a token may have (RFC 9110, 5.6.2). */
static const unsigned char token_byte[256] = {
	['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1,
	['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1,
	['`'] = 1, ['|'] = 1, ['~'] = 1, ['0'] = 1, ['1'] = 1, ['2'] = 1,
	['3'] = 1, ['4'] = 1, ['5'] = 1, ['6'] = 1, ['7'] = 1, ['8'] = 1,
	['9'] = 1, ['A'] = 1, ['B'] = 1, ['C'] = 1, ['D'] = 1, ['E'] = 1,
	['F'] = 1, ['G'] = 1, ['H'] = 1, ['I'] = 1, ['J'] = 1, ['K'] = 1,
	['L'] = 1, ['M'] = 1, ['N'] = 1, ['O'] = 1, ['P'] = 1, ['Q'] = 1,
	['R'] = 1, ['S'] = 1, ['T'] = 1, ['U'] = 1, ['V'] = 1, ['W'] = 1,
	['X'] = 1, ['Y'] = 1, ['Z'] = 1, ['a'] = 1, ['b'] = 1, ['c'] = 1,
	['d'] = 1, ['e'] = 1, ['f'] = 1, ['g'] = 1, ['h'] = 1, ['i'] = 1,
	['j'] = 1, ['k'] = 1, ['l'] = 1, ['m'] = 1, ['n'] = 1, ['o'] = 1,
	['p'] = 1, ['q'] = 1, ['r'] = 1, ['s'] = 1, ['t'] = 1, ['u'] = 1,
	['v'] = 1, ['w'] = 1, ['x'] = 1, ['y'] = 1, ['z'] = 1,
};

bool
token_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!token_byte[(unsigned char)s.p[i]])
			return false;
	return s.n > 0;
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_separator(char c)
{
	return c == ',' || is_space(c);
}

static bool
are_separators(lanes v)
{
	return lanes_all(lanes_is(v, ',') | lanes_is(v, ' ') |
	    lanes_is(v, '\t'));
}

/* There is mostly one, or a comma and a space; but 64 KiB of them cost a client
 * little. */
static const char *
separators_skip(const char *p, const char *end)
{
	for (size_t n = 0; p < end && is_separator(*p); n++)
		p += n >= 2 && end - p >= 16 && are_separators(lanes_load(p)) ?
		    16 : 1;
	return p;
}

/* The name at start, where it is of A-Z a-z 0-9 - alone and of up to 16 bytes:
 * its length, or another that ends before no separator.  At least 8 bytes are
 * there. */
static inline size_t
short_name(const char *start, const char *end, struct field_key *key)
{
	const size_t left = (size_t)(end - start);
	const uint64_t first = swar_word(start);
	lanes v = left >= 16 ? lanes_load(start) :
	    lanes_of_words(first, left == 8 ? 0 :
	        swar_word(end - 8) >> (8 * (16 - left)));
	size_t n = lanes_leading(lanes_letters(v) | lanes_is(v, '-') |
	    lanes_within(v, '0', '9'));

	/* With 0x20 letters are lower-case, digits and '-' as they are. */
	key->first = swar_first(first | SWAR_ALL(0x20), n);
	key->last = n > 8 ? swar_word(start + n - 8) | SWAR_ALL(0x20) : 0;
	return n;
}

/* Takes the next element of the list where it is a short name behind a comma, a
 * space or both, as nearly all are.  Returns its length, or 0, and nothing is
 * taken, where it is not. */
static inline size_t
short_next(const char **rest, const char *end, struct field_key *key)
{
	const char *start = *rest;
	size_t n;

	if (start < end && *start == ',')
		start++;
	if (start < end && *start == ' ')
		start++;
	if (end - start < 8 || (n = short_name(start, end, key)) == 0 ||
	    (start + n < end && start[n] != ','))
		return 0;
	*rest = start + n;
	return n;
}

bool
list_next_token(struct str *rest, struct str *element, bool *token)
{
	const char *end = rest->p + rest->n;
	const char *start = separators_skip(rest->p, end), *p = start, *last;

	while (p < end && token_byte[(unsigned char)*p])
		p++;
	last = p;
	while (p < end && is_space(*p))
		p++;
	*token = p == end || *p == ',';
	if (!*token) {
		while (p < end && *p != ',')
			p++;
		for (last = p; is_space(last[-1]);)
			last--;
	}
	*rest = (struct str){p, (size_t)(end - p)};
	*element = (struct str){start, (size_t)(last - start)};
	return element->n > 0;
}

bool
list_next(struct str *rest, struct str *element)
{
	bool token;

	return list_next_token(rest, element, &token);
}

bool
method_is_safelisted(struct str name)
{
	return str_eq(name, STR("GET")) || str_eq(name, STR("HEAD")) ||
	    str_eq(name, STR("POST"));
}

/* ---- sets -------------------------------------------------------------- */

/* Up to 8 bytes as a set compares them. */
static uint64_t
key_word(const char *p, size_t n, enum field_case fold)
{
	uint64_t w = swar_upto(p, n);
	lanes v = lanes_of_words(w, 0);

	return fold == FIELD_FOLD ?
	    lanes_word(v | (lanes_within(v, 'A', 'Z') & 0x20)) : w;
}

/* Names of so many bytes have all of them in their key. */
enum { KEY_WHOLE = 16 };

static struct field_key
name_key(struct str name, enum field_case fold)
{
	if (name.n <= 8)
		return (struct field_key){key_word(name.p, name.n, fold), 0};
	return (struct field_key){key_word(name.p, 8, fold),
	    key_word(name.p + name.n - 8, 8, fold)};
}

/* Names in the order of a set: by length, then by key, then by what the key
 * leaves out. */
static inline int
order(struct str name, struct field_key key, enum field_case fold,
    const struct field_item *item)
{
	if (name.n != item->name.n)
		return name.n < item->name.n ? -1 : 1;
	if (key.first != item->key.first)
		return key.first < item->key.first ? -1 : 1;
	if (key.last != item->key.last)
		return key.last < item->key.last ? -1 : 1;
	for (size_t i = KEY_WHOLE / 2; i + KEY_WHOLE / 2 < name.n; i++) {
		unsigned char a = (unsigned char)name.p[i],
		    b = (unsigned char)item->folded[i];

		if (fold == FIELD_FOLD)
			a = ascii_lower(a);
		if (a != b)
			return a < b ? -1 : 1;
	}
	return 0;
}

static inline bool
may_have(const struct field_set *s, size_t n)
{
	return (s->lengths & (UINT64_C(1) << (n < 63 ? n : 63))) != 0;
}

static inline const struct field_item *
find(const struct field_set *s, struct str name, struct field_key key)
{
	size_t low = 0, high = s->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int c = order(name, key, s->fold, s->sorted[middle]);

		if (c == 0)
			return s->sorted[middle];
		if (c < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct field_item *
field_set_find(const struct field_set *s, struct str name)
{
	return may_have(s, name.n) ?
	    find(s, name, name_key(name, s->fold)) : NULL;
}

/* Whether a '*' covers the name: Authorization is the one that it does not
 * (Fetch, CORS non-wildcard request-header name). */
static bool
star_covers(const struct field_set *s, struct str name)
{
	return s->any && !str_eq_fold(name, STR("authorization"));
}

/* Notes the next name: it takes its room, and is refused where it is not
 * covered or has too little. */
static inline void
name_note(struct str name, bool covered, size_t *room, struct str *refused)
{
	const size_t wanted = name.n + 2;

	if ((!covered || wanted > *room) && refused->n == 0)
		*refused = name;
	*room -= wanted < *room ? wanted : *room;
}

/* Takes the next element.  Returns 1, 0 at the end, or -1 where it is no token:
 * then it is *refused. */
static int
any_take(const struct field_set *s, struct str *list, size_t *room,
    struct str *refused)
{
	struct str name;
	bool token;

	if (!list_next_token(list, &name, &token))
		return 0;
	if (!token) {
		*refused = name;
		return -1;
	}
	name_note(name, field_set_find(s, name) != NULL || star_covers(s, name),
	    room, refused);
	return 1;
}

/* The same, quicker with short names: in line, as a list is mostly of them. */
static inline __attribute__((always_inline)) int
element_take(const struct field_set *s, struct str *list, size_t *room,
    struct str *refused)
{
	const char *end = list->p + list->n;
	struct field_key key;
	struct str name = {list->p, short_next(&list->p, end, &key)};

	if (name.n == 0)
		return any_take(s, list, room, refused);
	list->n = (size_t)(end - list->p);
	name.p = list->p - name.n;
	name_note(name, (may_have(s, name.n) && find(s, name, key) != NULL) ||
	    star_covers(s, name), room, refused);
	return 1;
}

/* The 8 bytes at p as far as their last comma, *n of them, and zeros. */
static inline uint64_t
piece_at(const char *p, size_t *n)
{
	uint64_t w = swar_word(p);
	uint64_t commas = lanes_word(lanes_is(lanes_of_words(w, 0), ','));

	*n = commas == 0 ? 0 : swar_behind(commas);
	return swar_first(w, *n);
}

enum { LONG_LIST = 1024, PIECES = 64 };

/* Where a piece is kept: two that share a place cost time alone. */
static inline size_t
piece_place(uint64_t piece)
{
	return piece * UINT64_C(0x9e3779b97f4a7c15) >> 58;
}

/* field_set_admits for a list so long that its names must repeat: pieces of
 * elements that were good are known again and passed over.  A piece is known by
 * its bytes, so those that only look like a comma beside an 8-bit byte do no
 * harm. */
static bool
admits_long(const struct field_set *s, struct str list, size_t *room,
    struct str *refused)
{
	/* What the answer has room for may depend on each name. */
	const bool roomy = *room > SIZE_MAX / 2;
	uint64_t seen[PIECES] = {0}, piece, *slot;
	const char *last;
	bool decided;
	size_t n;
	int got;

	for (;;) {
		decided = refused->n > 0;
		n = 0;
		piece = 0;
		if ((roomy || decided) && list.n >= 8)
			piece = piece_at(list.p, &n);
		slot = &seen[piece_place(piece)];
		if (piece != 0 && *slot == piece) {
			list = str_from(list, n);
			continue;
		}
		last = list.p + n; /* behind the piece's last comma */
		do {
			got = element_take(s, &list, room, refused);
			if (got <= 0)
				return got == 0;
		} while (list.p + 1 < last);
		if (n > 0 && list.p + 1 == last &&
		    (decided || refused->n == 0)) {
			*slot = piece;
			list = str_from(list, 1);
		}
	}
}

bool
field_set_admits(const struct field_set *s, struct str list, size_t *room,
    struct str *refused)
{
	int got = 0;

	if (list.n >= LONG_LIST)
		return admits_long(s, list, room, refused);
	while (list.n > 0 && (got = element_take(s, &list, room, refused)) > 0)
		;
	return got >= 0;
}

static int
copy_item(struct field_item *to, const struct field_item *from,
    enum field_case fold, struct arena *a)
{
	struct str name = arena_str(a, from->name);
	struct str folded = fold == FIELD_FOLD ? arena_lower(a, name) : name;

	if (name.p == NULL || folded.p == NULL)
		return -1;
	*to = (struct field_item){name, from->at, folded.p,
	    name_key(name, fold)};
	return 0;
}

/* By name, and the same name in the order of the file. */
static int
compare_items(const void *left, const void *right)
{
	const struct field_item *a = *(struct field_item *const *)left,
	    *b = *(struct field_item *const *)right;
	int c = order((struct str){a->folded, a->name.n}, a->key, FIELD_EXACT,
	    b);

	return c != 0 ? c : (a > b) - (a < b);
}

static void
sort(const struct field_item **sorted, const struct field_item *items,
    size_t count)
{
	for (size_t i = 0; i < count; i++)
		sorted[i] = &items[i];
	qsort(sorted, count, sizeof *sorted, compare_items);
}

/* Takes out the items, sorted, that have the name of an earlier one.  Returns
 * how many are left. */
static size_t
drop_second(const struct field_item **sorted, struct field_item *items,
    size_t count)
{
	size_t kept = 0;

	for (size_t i = 1, first = 0; i < count; i++) {
		const struct field_item *a = sorted[first], *b = sorted[i];

		if (order((struct str){a->folded, a->name.n}, a->key,
		        FIELD_EXACT, b) == 0)
			items[b - items].folded = NULL;
		else
			first = i;
	}
	for (size_t i = 0; i < count; i++)
		if (items[i].folded != NULL)
			items[kept++] = items[i];
	return kept;
}

int
field_set_init(struct field_set *s, enum field_case fold,
    const struct field_item *items, size_t count, struct arena *a)
{
	*s = (struct field_set){.fold = fold};
	if (count == 0)
		return 0;
	struct field_item *kept = arena_array(a, count, sizeof *kept);
	const struct field_item **sorted = arena_array(a, count,
	    sizeof *sorted);
	if (kept == NULL || sorted == NULL)
		return -1;
	s->items = kept;
	s->sorted = sorted;
	for (size_t i = 0; i < count; i++) {
		struct str name = items[i].name;
		if (str_eq(name, STR("*"))) {
			s->any_at = s->any ? s->any_at : items[i].at;
			s->any = true;
			continue;
		}
		if (copy_item(&kept[s->count++], &items[i], fold, a) != 0)
			return -1;
		s->lengths |= UINT64_C(1) << (name.n < 63 ? name.n : 63);
	}
	sort(sorted, kept, s->count);
	s->count = drop_second(sorted, kept, s->count);
	sort(sorted, kept, s->count);
	return 0;
}
