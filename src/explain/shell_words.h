/* shell_words.h - the words of a pasted command line, quoted for bash or for
 * cmd.exe.  Nothing is expanded or run: '$' and '`' are plain characters. */
#ifndef PREFLIGHTD_EXPLAIN_SHELL_WORDS_H
#define PREFLIGHTD_EXPLAIN_SHELL_WORDS_H

#include "base/arena.h"
#include "base/str.h"

enum { SHELL_TEXT_MAX = 1 << 20, SHELL_WORDS_MAX = 4096 };

struct shell_words {
	const struct str *items;
	size_t count;
};

/* Splits the first command of text.  The words live in the arena.  Returns
 * NULL, or what is wrong, a literal. */
const char *shell_words_split(struct str text, struct arena *a,
    struct shell_words *out);

#endif
