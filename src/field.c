#include "config.h"

#include "field.h"

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

bool
list_next_name(struct str *rest, struct field_name *element)
{
	const char *p = rest->p, *end = rest->p + rest->n, *start, *last;
	char *to = element->folded;
	const char *fits;
	unsigned char c;

	while (p < end && (*p == ',' || is_space(*p)))
		p++;
	start = p;
	fits = end - p < FIELD_FOLDED ? end : p + FIELD_FOLDED;
	while (p < fits && (c = token_fold[(unsigned char)*p]) != 0) {
		*to++ = (char)c;
		p++;
	}
	while (p < end && token_fold[(unsigned char)*p] != 0)
		p++;
	last = p;
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

/* Names are short and few: their ends and length spread them well enough. */
static uint32_t
name_hash(struct str name)
{
	const unsigned char *p = (const unsigned char *)name.p;
	uint32_t h = (uint32_t)name.n;

	if (name.n == 0)
		return 0;
	h = (h ^ (uint32_t)(p[0] | 0x20) << 8 ^
	    (uint32_t)(p[name.n / 2] | 0x20) << 16 ^
	    (uint32_t)(p[name.n - 1] | 0x20) << 24) * UINT32_C(0x9e3779b1);
	return h ^ h >> 15;
}

static bool
is_item(const struct field_set *s, const struct field_item *item,
    struct str name)
{
	return s->fold == FIELD_FOLD ? str_eq_fold(item->name, name) :
	    str_eq(item->name, name);
}

/* Equality of short texts, without a call. */
static bool
short_equal(const char *a, const char *b, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		if (swar_word(a + i) != swar_word(b + i))
			return false;
	for (; i < n; i++)
		if (a[i] != b[i])
			return false;
	return true;
}

static uint64_t
length_bit(size_t n)
{
	return UINT64_C(1) << (n < 63 ? n : 63);
}

const struct field_item *
field_set_find(const struct field_set *s, struct str name)
{
	if (s->count == 0 || (s->lengths & length_bit(name.n)) == 0)
		return NULL;
	for (uint32_t i = name_hash(name) & s->mask; s->table[i] != 0;
	    i = (i + 1) & s->mask) {
		const struct field_item *item = &s->items[s->table[i] - 1];
		if (is_item(s, item, name))
			return item;
	}
	return NULL;
}

const struct field_item *
field_set_find_name(const struct field_set *s, const struct field_name *name)
{
	struct str text = name->text;

	if (text.n > FIELD_FOLDED)
		return field_set_find(s, text);
	if (s->count == 0 || (s->lengths & length_bit(text.n)) == 0)
		return NULL;
	for (uint32_t i = name_hash(text) & s->mask; s->table[i] != 0;
	    i = (i + 1) & s->mask) {
		const struct field_item *item = &s->items[s->table[i] - 1];
		if (item->name.n == text.n &&
		    short_equal(item->folded, name->folded, text.n))
			return item;
	}
	return NULL;
}

static int
copy_item(struct field_item *to, const struct field_item *from,
    struct arena *a)
{
	struct str name = arena_str(a, from->name);
	char *folded = arena_alloc(a, name.n + 1);

	if (name.p == NULL || folded == NULL)
		return -1;
	for (size_t i = 0; i < name.n; i++)
		folded[i] = (char)ascii_lower((unsigned char)name.p[i]);
	*to = (struct field_item){name, from->at, folded};
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
		uint32_t slot = name_hash(name) & s->mask;
		while (table[slot] != 0)
			slot = (slot + 1) & s->mask;
		if (copy_item(&kept[s->count], &items[i], a) != 0)
			return -1;
		table[slot] = (uint32_t)++s->count;
		s->lengths |= length_bit(name.n);
	}
	return 0;
}
