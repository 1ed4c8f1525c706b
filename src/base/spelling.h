/* spelling.h - how near two words are, for suggestions. */
#ifndef PREFLIGHTD_BASE_SPELLING_H
#define PREFLIGHTD_BASE_SPELLING_H

#include "base/str.h"

enum { SPELLING_MAX = 128 }; /* bytes of a word */

/* How many bytes must be changed, added or taken out to make b of a
 * (Levenshtein), or max + 1 where it is more or a word has over SPELLING_MAX
 * bytes. */
size_t spelling_distance(struct str a, struct str b, size_t max);

#endif
