#include "config.h"

#include "base/hash.h"

#include <stdio.h>
#include <stdlib.h>

#include "unit.h"

/* Python's hash of bytes is SipHash-1-3 too, and PYTHONHASHSEED=0 has this key:
 * hash(b"01234567" + text). */
Test(hash, is_siphash)
{
	const uint64_t salt = UINT64_C(0x3736353433323130);

	cr_expect(hash_str(STR(""), salt) == UINT64_C(0xda3dcedf84ea6cc6));
	cr_expect(hash_str(STR("customer-000001"), salt) ==
	    UINT64_C(0xebb2c40a205bc553));
}

Test(hash, depends_on_salt_and_key)
{
	static const unsigned char key[16] = "a key of 16 byte";
	struct str s = STR("https://app.example.com");
	uint64_t before = hash_str(s, 0);

	cr_expect(before == hash_str(s, 0));
	cr_expect(before != hash_str(s, 1));
	hash_key(key);
	cr_expect(before != hash_str(s, 0));
}

static int
compare_numbers(const void *left, const void *right)
{
	const uint64_t *a = left, *b = right;

	return (*a > *b) - (*a < *b);
}

/* Names that begin and end alike: all hashes differ, and a table with as many
 * places has no place that more than a few share. */
Test(hash, tells_alike_names_apart)
{
	enum { N = 32768, FEW = 16 };
	static const struct {
		const char *front, *back;
	} forms[] = {{"customer-", ".api.example.com"},
	    {"https://app-", ".internal.example.com:8443"},
	    {"x-", "-customer-name"}, {"http://localhost:", ""}, {"", ""}};
	static uint64_t hashes[N];
	static unsigned char shared[N];
	char text[64];

	for (size_t f = 0; f < COUNT(forms); f++) {
		unsigned most = 0;

		memset(shared, 0, sizeof shared);
		for (unsigned i = 0; i < N; i++) {
			snprintf(text, sizeof text, "%s%u%s", forms[f].front,
			    i, forms[f].back);
			hashes[i] = hash_str(str_of(text), 0);
			if (++shared[hashes[i] % N] > most)
				most = shared[hashes[i] % N];
		}
		qsort(hashes, N, sizeof *hashes, compare_numbers);
		for (unsigned i = 1; i < N; i++)
			cr_assert(hashes[i - 1] != hashes[i], "%s",
			    forms[f].front);
		cr_expect(most < FEW, "%s: %u", forms[f].front, most);
	}
}
