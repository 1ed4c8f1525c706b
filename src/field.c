#include "config.h"

#include "field.h"

#include "hash.h"
#include "swar.h"

/* What a byte of a token is compared as without regard to case; 0 for bytes
 * that no token has (RFC 9110, 5.6.2). */
static const unsigned char token_fold[256] = {
	['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&',
	['\''] = '\'', ['*'] = '*', ['+'] = '+', ['-'] = '-', ['.'] = '.',
	['^'] = '^', ['_'] = '_', ['`'] = '`', ['|'] = '|', ['~'] = '~',
	['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',
	['5'] = '5', ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9',
	['A'] = 'a', ['B'] = 'b', ['C'] = 'c', ['D'] = 'd', ['E'] = 'e',
	['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i', ['J'] = 'j',
	['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o',
	['P'] = 'p', ['Q'] = 'q', ['R'] = 'r', ['S'] = 's', ['T'] = 't',
	['U'] = 'u', ['V'] = 'v', ['W'] = 'w', ['X'] = 'x', ['Y'] = 'y',
	['Z'] = 'z',
	['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd', ['e'] = 'e',
	['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j',
	['k'] = 'k', ['l'] = 'l', ['m'] = 'm', ['n'] = 'n', ['o'] = 'o',
	['p'] = 'p', ['q'] = 'q', ['r'] = 'r', ['s'] = 's', ['t'] = 't',
	['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',
	['z'] = 'z',
};

bool
token_valid(struct str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (token_fold[(unsigned char)s.p[i]] == 0)
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
are_separators(uint64_t w)
{
	return (w & SWAR_ALL(UINT64_C(0x80))) == 0 &&
	    (swar_where(w, ',') | swar_where(w, ' ') | swar_where(w, '\t')) ==
	    SWAR_ALL(UINT64_C(0x80));
}

/* There is mostly one, or a comma and a space; but 64 KiB of them cost a client
 * little. */
static const char *
separators_skip(const char *p, const char *end)
{
	for (size_t n = 0; p < end && is_separator(*p); n++)
		p += n >= 2 && end - p >= 8 && are_separators(swar_word(p)) ?
		    8 : 1;
	return p;
}

/* The key of n bytes at p, of which end - p may be read. */
static inline struct field_key
key_of(const char *p, size_t n, const char *end)
{
	if (n > 8)
		return (struct field_key){swar_word(p), swar_word(p + n - 8)};
	return (struct field_key){end - p >= 8 ?
	    swar_first(swar_word(p), n) : hash_load(p, n), 0};
}

/* Where the bytes a-z 0-9 - from p on end, p being at least 8 bytes before end.
 */
static inline const char *
plain_end(const char *p, const char *end)
{
	uint64_t others, w;
	size_t left;

	for (; end - p >= 8; p += 8)
		if ((others = swar_not_plain(swar_word(p))) != 0)
			return p + swar_before(others);
	left = (size_t)(end - p);
	if (left == 0)
		return end;
	w = swar_word(end - 8) >> (8 * (8 - left));
	return p + swar_before(swar_not_plain(w));
}

/* Takes the next element of the list where it is written as browsers write it,
 * of a-z 0-9 - alone, behind a comma, a space or both.  Returns false, and
 * nothing is taken, where it is not. */
static inline bool
plain_next(const char **rest, const char *end, struct str *name,
    struct field_key *key)
{
	const char *start = *rest, *p;

	if (start < end && *start == ',')
		start++;
	if (start < end && *start == ' ')
		start++;
	if (end - start < 8)
		return false;
	p = plain_end(start, end);
	if (p == start || (p < end && *p != ','))
		return false;
	*rest = p;
	*name = (struct str){start, (size_t)(p - start)};
	*key = key_of(start, name->n, end);
	return true;
}

/* Reads a token that starts at p, of any bytes; returns where it ends. */
static const char *
token_take(const char *p, const char *end, struct field_name *element)
{
	const char *start = p;
	unsigned char c;

	for (; p < end && (c = token_fold[(unsigned char)*p]) != 0; p++)
		if (p - start < FIELD_FOLDED)
			element->folded[p - start] = (char)c;
	return p;
}

bool
list_next_name(struct str *rest, struct field_name *element)
{
	const char *end = rest->p + rest->n;
	const char *start = separators_skip(rest->p, end);
	const char *p = token_take(start, end, element), *last = p;

	while (p < end && is_space(*p))
		p++;
	element->token = p == end || *p == ',';
	if (!element->token) {
		while (p < end && *p != ',')
			p++;
		for (last = p; is_space(last[-1]);)
			last--;
	}
	*rest = (struct str){p, (size_t)(end - p)};
	element->text = (struct str){start, (size_t)(last - start)};
	return element->text.n > 0;
}

bool
list_next_token(struct str *rest, struct str *element, bool *token)
{
	struct field_name name;
	bool more = list_next_name(rest, &name);

	*element = name.text;
	*token = name.token;
	return more;
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

static uint32_t
key_hash(struct field_key key, size_t n)
{
	uint64_t h = (key.first ^ key.last << 1 ^ n) * HASH_MULTIPLIER;

	return (uint32_t)(h >> 32);
}

/* Up to 8 bytes as a set compares them. */
static uint64_t
key_word(const char *p, size_t n, enum field_case fold)
{
	char lower[8];

	if (fold == FIELD_EXACT)
		return hash_load(p, n);
	for (size_t i = 0; i < n; i++)
		lower[i] = (char)ascii_lower((unsigned char)p[i]);
	return hash_load(lower, n);
}

static struct field_key
name_key(struct str name, enum field_case fold)
{
	if (name.n <= 8)
		return (struct field_key){key_word(name.p, name.n, fold), 0};
	return (struct field_key){key_word(name.p, 8, fold),
	    key_word(name.p + name.n - 8, 8, fold)};
}

static bool
key_equal(struct field_key a, struct field_key b)
{
	return a.first == b.first && a.last == b.last;
}

static bool
is_item(const struct field_set *s, const struct field_item *item,
    struct str name)
{
	return s->fold == FIELD_FOLD ? str_eq_fold(item->name, name) :
	    str_eq(item->name, name);
}

static uint64_t
length_bit(size_t n)
{
	return UINT64_C(1) << (n < 63 ? n : 63);
}

/* folded is the name in lower case, or NULL where it has to be compared as it
 * is. */
static const struct field_item *
set_find(const struct field_set *s, struct str name, struct field_key key,
    const char *folded)
{
	const struct field_item *item;

	for (uint32_t i = key_hash(key, name.n) & s->mask; s->table[i] != 0;
	    i = (i + 1) & s->mask) {
		item = &s->items[s->table[i] - 1];
		if (item->name.n != name.n || !key_equal(item->key, key))
			continue;
		if (name.n <= 16 || (folded == NULL ? is_item(s, item, name) :
		    memcmp(item->folded, folded, name.n) == 0))
			return item;
	}
	return NULL;
}

const struct field_item *
field_set_find(const struct field_set *s, struct str name)
{
	if (s->count == 0 || (s->lengths & length_bit(name.n)) == 0)
		return NULL;
	return set_find(s, name, name_key(name, s->fold), NULL);
}

/* Whether a '*' covers the name: Authorization is the one that it does not
 * (Fetch, CORS non-wildcard request-header name). */
static bool
star_covers(const struct field_set *s, struct str name)
{
	return s->any && !str_eq_fold(name, STR("authorization"));
}

/* name is a token. */
static inline bool
covers(const struct field_set *s, struct str name, struct field_key key,
    const char *folded)
{
	return (s->count > 0 && (s->lengths & length_bit(name.n)) != 0 &&
	    set_find(s, name, key, folded) != NULL) || star_covers(s, name);
}

static bool
covers_token(const struct field_set *s, const struct field_name *name)
{
	size_t n = name->text.n;

	if (n > FIELD_FOLDED)
		return field_set_find(s, name->text) != NULL ||
		    star_covers(s, name->text);
	return covers(s, name->text, key_of(name->folded, n,
	    name->folded + FIELD_FOLDED), name->folded);
}

bool
field_set_admits(const struct field_set *s, struct str list, size_t *room,
    struct str *refused)
{
	const char *end = list.p + list.n;
	struct field_name name;
	struct field_key key;
	struct str plain;
	size_t n;
	bool covered;

	for (;;) {
		if (plain_next(&list.p, end, &plain, &key)) {
			covered = covers(s, plain, key, plain.p);
		} else {
			list.n = (size_t)(end - list.p);
			if (!list_next_name(&list, &name))
				return true;
			plain = name.text;
			if (!name.token) {
				*refused = plain;
				return false;
			}
			covered = covers_token(s, &name);
		}
		n = plain.n + 2;
		if (refused->n == 0 && (!covered || n > *room))
			*refused = plain;
		*room -= n < *room ? n : *room;
	}
}

static int
copy_item(struct field_item *to, const struct field_item *from,
    enum field_case fold, struct arena *a)
{
	struct str name = arena_str(a, from->name);
	char *folded = arena_alloc(a, name.n + 1);

	if (name.p == NULL || folded == NULL)
		return -1;
	for (size_t i = 0; i < name.n; i++)
		folded[i] = (char)ascii_lower((unsigned char)name.p[i]);
	*to = (struct field_item){name, from->at, folded,
	    name_key(name, fold)};
	return 0;
}

int
field_set_init(struct field_set *s, enum field_case fold,
    const struct field_item *items, size_t count, struct arena *a)
{
	size_t slots = 8;

	*s = (struct field_set){.fold = fold};
	if (count == 0)
		return 0;
	while (slots < count * 4)
		slots *= 2;
	if (slots - 1 > UINT32_MAX)
		return -1;
	struct field_item *kept = arena_array(a, count, sizeof *kept);
	uint32_t *table = arena_array(a, slots, sizeof *table);
	if (kept == NULL || table == NULL)
		return -1;
	s->items = kept;
	s->table = table;
	s->mask = (uint32_t)(slots - 1);
	for (size_t i = 0; i < count; i++) {
		struct str name = items[i].name;
		if (str_eq(name, STR("*"))) {
			s->any_at = s->any ? s->any_at : items[i].at;
			s->any = true;
			continue;
		}
		if (field_set_find(s, name) != NULL)
			continue;
		if (copy_item(&kept[s->count], &items[i], fold, a) != 0)
			return -1;
		uint32_t slot = key_hash(kept[s->count].key, name.n) & s->mask;
		while (table[slot] != 0)
			slot = (slot + 1) & s->mask;
		table[slot] = (uint32_t)++s->count;
		s->lengths |= length_bit(name.n);
	}
	return 0;
}
