#include "config.h"

#include "base/spelling.h"

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t
spelling_distance(struct str a, struct str b, size_t max)
{
	size_t row[SPELLING_MAX + 1], corner, best, cost;

	if (a.n > SPELLING_MAX || b.n > SPELLING_MAX ||
	    (a.n > b.n ? a.n - b.n : b.n - a.n) > max)
		return max + 1;
	for (size_t j = 0; j <= b.n; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.n; i++) {
		corner = row[0];
		best = row[0] = i;
		for (size_t j = 1; j <= b.n; j++) {
			cost = corner + (a.p[i - 1] != b.p[j - 1]);
			corner = row[j];
			row[j] = least(cost, least(row[j], row[j - 1]) + 1);
			best = least(best, row[j]);
		}
		if (best > max)
			return max + 1;
	}
	return least(row[b.n], max + 1);
}
