#include "config.h"

#include "core/origin_set.h"

#include <sha2.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/hash.h"
#include "core/origin_set_impl.h"

enum { WORD = sizeof(uint32_t), TABLE_MIN = 16 };

/* ---- tables ------------------------------------------------------------ */

static void
table_put(struct table *t, uint32_t hash, uint32_t ref)
{
	uint32_t i = hash & t->mask;

	while (t->slots[i].ref != 0)
		i = (i + 1) & t->mask;
	t->slots[i] = (struct slot){hash, ref};
	t->used++;
}

static int
table_resize(struct table *t, size_t slots)
{
	struct table bigger = {.mask = (uint32_t)(slots - 1)};

	if (slots - 1 > UINT32_MAX / 2)
		return -1;
	bigger.slots = calloc(slots, sizeof *bigger.slots);
	if (bigger.slots == NULL)
		return -1;
	for (size_t i = 0; t->slots != NULL && i <= t->mask; i++)
		if (t->slots[i].ref != 0)
			table_put(&bigger, t->slots[i].hash, t->slots[i].ref);
	free(t->slots);
	*t = bigger;
	return 0;
}

/* Makes sure that n more entries leave the table at most half full. */
static int
table_reserve(struct table *t, size_t n)
{
	size_t wanted = ((size_t)t->used + n) * 2, slots = TABLE_MIN;

	if (t->slots != NULL && wanted <= (size_t)t->mask + 1)
		return 0;
	while (slots < wanted)
		slots *= 2;
	return table_resize(t, slots);
}

/* ---- the pool ---------------------------------------------------------- */

static const struct record *
record_at(const struct origin_set *s, uint32_t ref)
{
	return (const struct record *)(const void *)(s->pool + (ref - 1));
}

void
origin_set_entry(const struct origin_set *s, uint32_t ref,
    struct origin_entry *out)
{
	const struct record *r = record_at(s, ref);

	*out = (struct origin_entry){
	    .text = {r->text, r->length},
	    .at = {r->file, r->line, r->col},
	    .kind = (enum origin_kind)r->kind,
	    .slot = (ref - 1) / RECORD_WORDS_MIN,
	};
}

static size_t
record_words(size_t length)
{
	return (offsetof(struct record, text) + length + WORD - 1) / WORD;
}

static int
pool_reserve(struct origin_set *s, size_t words)
{
	size_t size = s->pool_size > 0 ? s->pool_size : 256;
	uint32_t *pool;

	if (words <= s->pool_size - s->pool_used)
		return 0;
	while (size - s->pool_used < words)
		size += size / 2;
	if (size >= UINT32_MAX)
		return -1;
	pool = realloc(s->pool, size * WORD);
	if (pool == NULL)
		return -1;
	s->pool = pool;
	s->pool_size = size;
	return 0;
}

/* Returns the new record, or 0 without memory. */
static uint32_t
pool_add(struct origin_set *s, const struct origin *o, struct place at)
{
	size_t words = record_words(o->text.n);
	struct record *r;

	if (o->text.n > UINT16_MAX || pool_reserve(s, words) != 0)
		return 0;
	uint32_t ref = (uint32_t)s->pool_used + 1;
	s->pool[s->pool_used + words - 1] = 0;
	r = (struct record *)(void *)(s->pool + s->pool_used);
	r->file = at.file;
	r->line = at.line;
	r->col = at.col < UINT16_MAX ? (uint16_t)at.col : UINT16_MAX;
	r->length = (uint16_t)o->text.n;
	r->kind = (uint8_t)o->kind;
	memcpy(r->text, o->text.p, o->text.n);
	s->pool_used += words;
	return ref;
}

/* ---- exact entries ----------------------------------------------------- */

static uint32_t
find_hashed(const struct origin_set *s, struct str text, uint32_t hash)
{
	if (s->exact.slots == NULL)
		return 0;
	for (uint32_t i = hash & s->exact.mask; s->exact.slots[i].ref != 0;
	    i = (i + 1) & s->exact.mask) {
		const struct slot *slot = &s->exact.slots[i];
		if (slot->hash != hash)
			continue;
		const struct record *r = record_at(s, slot->ref);
		if (r->length == text.n && memcmp(r->text, text.p, text.n) == 0)
			return slot->ref;
	}
	return 0;
}

uint32_t
origin_set_find(const struct origin_set *s, struct str text)
{
	if (text.n > s->longest)
		return 0;
	return find_hashed(s, text, (uint32_t)hash_str(text, 0));
}

/* The host in a text that is an exact entry. */
static struct str
exact_host(struct str text)
{
	const char *sep = memchr(text.p, ':', text.n);
	size_t start = sep != NULL ? (size_t)(sep - text.p) + 3 : 0, end;

	if (start > text.n)
		return text;
	struct str host = str_from(text, start);
	for (end = host.n; end > 0; end--) {
		if (host.p[end - 1] == ']')
			return (struct str){host.p, end};
		if (host.p[end - 1] == ':')
			return (struct str){host.p, end - 1};
	}
	return host;
}

uint32_t
origin_set_find_host(const struct origin_set *s, struct str host)
{
	uint32_t hash = (uint32_t)hash_str(host, 0);

	if (s->hosts.slots == NULL)
		return 0;
	for (uint32_t i = hash & s->hosts.mask; s->hosts.slots[i].ref != 0;
	    i = (i + 1) & s->hosts.mask) {
		const struct slot *slot = &s->hosts.slots[i];
		if (slot->hash != hash)
			continue;
		const struct record *r = record_at(s, slot->ref);
		struct str text = {r->text, r->length};
		if (str_eq(exact_host(text), host))
			return slot->ref;
	}
	return 0;
}

static enum origin_added
add_exact(struct origin_set *s, const struct origin *o, struct place at,
    struct place *earlier)
{
	uint32_t hash = (uint32_t)hash_str(o->text, 0), ref;
	struct origin_entry entry;

	ref = find_hashed(s, o->text, hash);
	if (ref != 0) {
		origin_set_entry(s, ref, &entry);
		*earlier = entry.at;
		return ORIGIN_DUPLICATE;
	}
	if (table_reserve(&s->exact, 1) != 0 ||
	    table_reserve(&s->hosts, 1) != 0)
		return ORIGIN_NO_MEMORY;
	ref = pool_add(s, o, at);
	if (ref == 0)
		return ORIGIN_NO_MEMORY;
	table_put(&s->exact, hash, ref);
	s->nexact++;
	if (o->text.n > s->longest)
		s->longest = o->text.n;
	if (o->kind == ORIGIN_EXACT && origin_set_find_host(s, o->host) == 0)
		table_put(&s->hosts, (uint32_t)hash_str(o->host, 0), ref);
	return ORIGIN_ADDED;
}

/* ---- patterns ---------------------------------------------------------- */

/* scheme is its hash. */
static uint32_t
pattern_hash(uint64_t scheme, struct str host, int port, bool subdomains)
{
	return (uint32_t)hash_str(host, scheme + (uint64_t)(port + 1) * 2 +
	    subdomains);
}

static const struct pattern *
pattern_find(const struct origin_set *s, uint64_t scheme_hash,
    struct str scheme, struct str host, int port, bool subdomains)
{
	uint32_t hash;

	if (s->by_suffix.slots == NULL)
		return NULL;
	hash = pattern_hash(scheme_hash, host, port, subdomains);
	for (uint32_t i = hash & s->by_suffix.mask;
	    s->by_suffix.slots[i].ref != 0; i = (i + 1) & s->by_suffix.mask) {
		const struct slot *slot = &s->by_suffix.slots[i];
		const struct pattern *p = &s->patterns[slot->ref - 1];
		const struct origin *o = &p->origin;
		const struct record *r = record_at(s, p->ref);
		if (slot->hash != hash || o->port != port ||
		    o->subdomains != subdomains ||
		    o->scheme.n != scheme.n || o->host.n != host.n)
			continue;
		size_t host_at = scheme.n + 3 + (subdomains ? 2 : 0);
		if (memcmp(r->text, scheme.p, scheme.n) == 0 &&
		    memcmp(r->text + host_at, host.p, host.n) == 0)
			return p;
	}
	return NULL;
}

const struct pattern *
origin_set_find_pattern(const struct origin_set *s, const struct origin *o)
{
	const uint64_t scheme = hash_str(o->scheme, 0);
	const bool is_name = o->host_kind != HOST_IPV6;
	const struct pattern *found;

	if (is_name && !host_labels_valid(o->host))
		return NULL;
	for (size_t i = is_name ? o->host.n : 0; i > 1; i--) {
		struct str suffix = str_from(o->host, i);
		if (o->host.p[i - 1] != '.' || suffix.n == 0)
			continue;
		if (s->has_sub_port && (found = pattern_find(s, scheme,
		        o->scheme, suffix, o->port, true)) != NULL)
			return found;
		if (s->has_sub_any && (found = pattern_find(s, scheme,
		        o->scheme, suffix, ORIGIN_PORT_ANY, true)) != NULL)
			return found;
	}
	return s->has_host_any ? pattern_find(s, scheme, o->scheme, o->host,
	    ORIGIN_PORT_ANY, false) : NULL;
}

const struct pattern *
origin_set_same_pattern(const struct origin_set *s, const struct origin *o)
{
	return pattern_find(s, hash_str(o->scheme, 0), o->scheme, o->host,
	    o->port, o->subdomains);
}

static int
patterns_reserve(struct origin_set *s)
{
	struct pattern *patterns = array_grow(s->patterns, s->npatterns,
	    &s->patterns_size, sizeof *patterns);

	if (patterns == NULL)
		return -1;
	s->patterns = patterns;
	return 0;
}

static enum origin_added
add_pattern(struct origin_set *s, const struct origin *o, struct place at,
    struct place *earlier)
{
	uint32_t hash = pattern_hash(hash_str(o->scheme, 0), o->host, o->port,
	    o->subdomains);
	const struct pattern *twin = origin_set_same_pattern(s, o);
	struct origin_entry entry;

	if (twin != NULL) {
		origin_set_entry(s, twin->ref, &entry);
		*earlier = entry.at;
		return ORIGIN_DUPLICATE;
	}
	if (patterns_reserve(s) != 0 || table_reserve(&s->by_suffix, 1) != 0)
		return ORIGIN_NO_MEMORY;
	uint32_t ref = pool_add(s, o, at);
	if (ref == 0)
		return ORIGIN_NO_MEMORY;
	struct pattern *p = &s->patterns[s->npatterns++];
	*p = (struct pattern){*o, ref, hash};
	/* The pool moves as it grows: the text is taken from the record. */
	p->origin.text.p = p->origin.scheme.p = p->origin.host.p = NULL;
	table_put(&s->by_suffix, hash, (uint32_t)s->npatterns);
	if (!o->subdomains)
		s->has_host_any = true;
	else if (o->port == ORIGIN_PORT_ANY)
		s->has_sub_any = true;
	else
		s->has_sub_port = true;
	return ORIGIN_ADDED;
}

/* ---- the set ----------------------------------------------------------- */

struct origin_set *
origin_set_new(void)
{
	return calloc(1, sizeof(struct origin_set));
}

void
origin_set_free(struct origin_set *s)
{
	if (s == NULL)
		return;
	free(s->pool);
	free(s->exact.slots);
	free(s->hosts.slots);
	free(s->by_suffix.slots);
	free(s->patterns);
	free(s);
}

void
origin_set_reserve(struct origin_set *s, size_t n)
{
	if (table_reserve(&s->exact, n) == 0)
		(void)table_reserve(&s->hosts, n);
}

static enum origin_added
add_any(struct origin_set *s, const struct origin *o, struct place at,
    struct place *earlier)
{
	struct origin_entry entry;

	if (s->any != 0) {
		origin_set_entry(s, s->any, &entry);
		*earlier = entry.at;
		return ORIGIN_DUPLICATE;
	}
	s->any = pool_add(s, o, at);
	return s->any != 0 ? ORIGIN_ADDED : ORIGIN_NO_MEMORY;
}

enum origin_added
origin_set_add(struct origin_set *s, const struct origin *o, struct place at,
    struct place *earlier)
{
	switch (o->kind) {
	case ORIGIN_ANY:
		return add_any(s, o, at, earlier);
	case ORIGIN_PATTERN:
		return add_pattern(s, o, at, earlier);
	case ORIGIN_NULL:
	case ORIGIN_EXACT:
	default:
		return add_exact(s, o, at, earlier);
	}
}

static uint32_t
match(const struct origin_set *s, struct str origin)
{
	struct origin parts;
	uint32_t ref = s->any != 0 ? s->any : origin_set_find(s, origin);

	if (ref != 0 || s->npatterns == 0 || !origin_split(origin, &parts))
		return ref;
	const struct pattern *p = origin_set_find_pattern(s, &parts);
	return p != NULL ? p->ref : 0;
}

bool
origin_set_match(const struct origin_set *s, struct str origin,
    struct origin_entry *out)
{
	uint32_t ref = match(s, origin);

	if (ref == 0)
		return false;
	if (out != NULL)
		origin_set_entry(s, ref, out);
	return true;
}

bool
origin_set_any(const struct origin_set *s)
{
	return s->any != 0;
}

size_t
origin_set_exact(const struct origin_set *s)
{
	return s->nexact;
}

size_t
origin_set_patterns(const struct origin_set *s)
{
	return s->npatterns;
}

bool
origin_set_next(const struct origin_set *s, size_t *at,
    struct origin_entry *out)
{
	if (*at >= s->pool_used)
		return false;
	origin_set_entry(s, (uint32_t)*at + 1, out);
	*at += record_words(out->text.n);
	return true;
}

int
origin_set_each(const struct origin_set *s,
    int (*fn)(void *ctx, const struct origin_entry *e), void *ctx)
{
	struct origin_entry entry;
	size_t at = 0;
	int ret = 0;

	while (ret == 0 && origin_set_next(s, &at, &entry))
		ret = fn(ctx, &entry);
	return ret;
}

size_t
origin_set_slots(const struct origin_set *s)
{
	return s->pool_used / RECORD_WORDS_MIN + 1;
}

/* ---- the digest -------------------------------------------------------- */

struct sorted {
	uint64_t key; /* 8 bytes of the text, the first the highest, or zeros */
	const struct record *record;
};

static int
compare_keys(const void *left, const void *right)
{
	const struct sorted *a = left, *b = right;

	return (a->key > b->key) - (a->key < b->key);
}

/* Sorts by what the texts, which begin alike, have from `at` on: 8 bytes at a
 * time, as to compare the texts of a million in memory takes seconds. */
static void
sort_from(struct sorted *a, size_t n, size_t at)
{
	bool alike = true;

	for (size_t i = 0; i < n; i++) {
		const struct record *r = a[i].record;

		a[i].key = 0;
		for (size_t j = at; j < at + 8; j++)
			a[i].key = a[i].key << 8 | (j < r->length ?
			    (unsigned char)r->text[j] : 0);
		alike = alike && a[i].key == a[0].key;
	}
	if (!alike)
		qsort(a, n, sizeof *a, compare_keys);
	for (size_t i = 0, same; i < n; i += same) {
		for (same = 1; i + same < n && a[i + same].key == a[i].key;)
			same++;
		/* Behind a zero the text has ended. */
		if (same > 1 && (a[i].key & 0xff) != 0)
			sort_from(a + i, same, at + 8);
	}
}

/* Collects the entries that no other covers; returns how many there are. */
static size_t
collect(const struct origin_set *s, struct sorted *out)
{
	const bool alone = s->any == 0 && s->npatterns == 0;
	struct origin_entry e, by;
	size_t at = 0, n = 0;
	uint32_t ref = 1;

	while (origin_set_next(s, &at, &e)) {
		if (alone || origin_set_cover(s, &e, &by) != ORIGIN_COVERED)
			out[n++].record = record_at(s, ref);
		ref = (uint32_t)at + 1;
	}
	return n;
}

int
origin_set_seal(struct origin_set *s)
{
	struct sorted *entries = calloc(origin_set_count(s) + 1,
	    sizeof *entries);
	size_t n;
	SHA2_CTX c;

	if (entries == NULL)
		return -1;
	n = collect(s, entries);
	sort_from(entries, n, 0);
	SHA256Init(&c);
	for (size_t i = 0; i < n; i++) {
		const struct record *r = entries[i].record;
		uint8_t length[2] = {(uint8_t)(r->length >> 8),
		    (uint8_t)r->length};

		SHA256Update(&c, length, sizeof length);
		SHA256Update(&c, (const uint8_t *)r->text, r->length);
	}
	SHA256Final(s->digest, &c);
	free(entries);
	return 0;
}

const uint8_t *
origin_set_digest(const struct origin_set *s)
{
	return s->digest;
}
