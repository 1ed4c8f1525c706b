/* curl.c - fuzzes a pasted curl command, as `explain --curl` takes it. */
#include "config.h"

#include "explain/curl_command.h"

#include "base/buf.h"
#include "explain/shell_words.h"
#include "fuzz.h"
#include "naive.h"

enum { TEXT_MAX = 8192 };

static const struct place nowhere = {0, 1, 1};

/* A command for a POSIX shell, in the making. */
struct command {
	char *text;
	struct buf buf;
};

static void
command_start(struct command *c, size_t cap)
{
	c->text = malloc(cap);
	HOLDS(c->text != NULL);
	c->buf = (struct buf){c->text, 0, cap, false};
}

static void
add_quoted(struct command *c, struct str word)
{
	buf_char(&c->buf, '\'');
	for (size_t i = 0; i < word.n; i++)
		if (word.p[i] == '\'')
			buf_add(&c->buf, STR("'\\''"));
		else
			buf_char(&c->buf, word.p[i]);
	buf_char(&c->buf, '\'');
}

/* ---- words ------------------------------------------------------------- */

/* The words quoted are the same words.  They stand behind a command, as quotes
 * for cmd.exe are told by the first argument. */
static void
check_words(struct str text)
{
	struct arena a = {NULL};
	struct shell_words words, again;
	struct command c;
	const char *wrong;

	if (shell_words_split(text, &a, &words) != NULL) {
		arena_clear(&a);
		return;
	}
	HOLDS(words.count <= SHELL_WORDS_MAX);
	command_start(&c, 5 * text.n + 3 * words.count + 16);
	buf_add(&c.buf, STR("curl"));
	for (size_t i = 0; i < words.count; i++) {
		buf_char(&c.buf, ' ');
		add_quoted(&c, words.items[i]);
	}
	HOLDS(!c.buf.full);
	wrong = shell_words_split(buf_str(&c.buf), &a, &again);
	if (words.count == SHELL_WORDS_MAX) {
		HOLDS(wrong != NULL);
	} else {
		HOLDS(wrong == NULL && words.count + 1 == again.count);
		for (size_t i = 0; i < words.count; i++)
			HOLDS(str_eq(words.items[i], again.items[i + 1]));
	}
	free(c.text);
	arena_clear(&a);
}

/* ---- the command ------------------------------------------------------- */

static void
add_header(struct command *c, const struct header *h)
{
	char space[2 * TEXT_MAX + 32];
	struct buf text = BUF(space);

	buf_add(&text, h->name);
	buf_add(&text, h->value.n > 0 ? STR(": ") : STR(";"));
	buf_add(&text, h->value);
	buf_add(&c->buf, STR(" -H "));
	add_quoted(c, buf_str(&text));
}

/* Headers that -H can write as they are; cookies and the like come from other
 * options, with values of any form. */
static bool
is_plain(const struct header *h)
{
	return naive_token(h->name) && str_eq(str_trim(h->value), h->value);
}

static bool
all_plain(const struct curl_command *got)
{
	bool plain = true;

	for (size_t i = 0; i < got->headers.count; i++)
		plain = plain && is_plain(&got->headers.items[i]);
	return plain;
}

static void
check_equal(const struct curl_command *a, const struct curl_command *b)
{
	HOLDS(str_eq(a->url, b->url) && str_eq(a->method, b->method));
	HOLDS(a->cookies == b->cookies);
	HOLDS(a->headers.count == b->headers.count);
	for (size_t i = 0; i < a->headers.count; i++) {
		HOLDS(str_eq(a->headers.items[i].name,
		    b->headers.items[i].name));
		HOLDS(str_eq(a->headers.items[i].value,
		    b->headers.items[i].value));
	}
}

/* The request written as a command again is the same request. */
static void
check_again(const struct curl_command *got, struct arena *a)
{
	struct curl_command again;
	struct command c;

	if (!all_plain(got))
		return;
	command_start(&c, 64 * TEXT_MAX);
	buf_add(&c.buf, STR("curl --url "));
	add_quoted(&c, got->url);
	buf_add(&c.buf, STR(" -X "));
	add_quoted(&c, got->method);
	for (size_t i = 0; i < got->headers.count; i++)
		add_header(&c, &got->headers.items[i]);
	HOLDS(!c.buf.full);
	HOLDS(curl_command_parse(buf_str(&c.buf), &again, a, NULL, nowhere) ==
	    0);
	check_equal(got, &again);
	free(c.text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = {(const char *)data, size};
	struct arena a = {NULL};
	struct diag *d = diag_new();
	struct curl_command got;
	bool good;

	HOLDS(d != NULL);
	(void)diag_file(d, "input");
	if (size <= TEXT_MAX) {
		check_words(text);
		good = curl_command_parse(text, &got, &a, d, nowhere) == 0;
		HOLDS(good == (diag_errors(d) == 0));
		if (good) {
			HOLDS(got.url.n > 0 && got.method.n > 0);
			HOLDS(got.cookies == (curl_command_header(&got,
			    STR("cookie")).n > 0));
			check_again(&got, &a);
		}
	}
	diag_free(d);
	arena_clear(&a);
	return 0;
}
