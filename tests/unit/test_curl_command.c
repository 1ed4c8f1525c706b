#include "config.h"

#include "explain/curl_command.h"

#include <stdlib.h>

#include "explain/shell_words.h"
#include "unit.h"

/* ---- words ------------------------------------------------------------- */

/* The words, each in brackets. */
static const struct {
	const char *about, *text, *words;
} splits[] = {
	{"nothing", "", ""},
	{"white space", " \t\n ", ""},
	{"plain", "curl  a\tb", "[curl][a][b]"},
	{"single quotes", "a 'b \"c\\ $x' ''", "[a][b \"c\\ $x][]"},
	{"double quotes", "\"a \\\"b\\\\ \\n \\$ ' \"", "[a \"b\\ \\n $ ' ]"},
	{"parts of a word", "a'b'\"c\"d", "[abcd]"},
	{"a quote within", "'it'\\''s'", "[it's]"},
	{"lines that go on", "a \\\n  b \\\r\n c", "[a][b][c]"},
	{"within double quotes", "\"a\\\nb\"", "[ab]"},
	{"backslashes", "a\\ b \\'c", "[a b]['c]"},
	{"$'...'", "$'a\\nb\\t\\\\\\'\\\"\\x41\\u00e9\\101\\e'",
	    "[a\nb\t\\'\"A\xc3\xa9" "A\x1b]"},
	{"$'...' as Chrome escapes", "$'{\"a\":\"\\u0021\"}'",
	    "[{\"a\":\"!\"}]"},
	{"other escapes", "$'\\q\\x\\u'", "[qxu]"},
	{"large code points", "$'\\U0001F600'", "[\xf0\x9f\x98\x80]"},
	{"$\"...\"", "$\"a\"", "[a]"},
	{"dollars are characters", "$HOME `id` $(id)",
	    "[$HOME][`id`][$(id)]"},
	{"the end of the command", "curl a | jq .", "[curl][a]"},
	{"another command", "curl a && rm b", "[curl][a]"},
	{"a semicolon", "curl a; b", "[curl][a]"},
	{"an ampersand in a URL", "curl http://h/?a=1&b=2",
	    "[curl][http://h/?a=1&b=2]"},
	{"cmd.exe", "curl ^\"https://h/?a=1^&b=2^\" ^\r\n"
	    "  -H ^\"a: ^\\^\"b^\\^\"^\" ^\n -d ^\"^%^\"",
	    "[curl][https://h/?a=1&b=2][-H][a: \"b\"][-d][%]"},
	{"cmd.exe, older", "curl \"https://h/\" ^\r\n  -H \"a: b\"",
	    "[curl][https://h/][-H][a: b]"},
	{"carets in bash", "curl 'https://h/' -d '{\"a\":\"^\"}'",
	    "[curl][https://h/][-d][{\"a\":\"^\"}]"},
};

Test(curl_command, words)
{
	for (size_t i = 0; i < COUNT(splits); i++) {
		char space[512];
		struct buf b = BUF(space);
		struct arena a = {NULL};
		struct shell_words words;

		cr_assert(shell_words_split(str_of(splits[i].text), &a,
		    &words) == NULL, "%s", splits[i].about);
		for (size_t k = 0; k < words.count; k++) {
			buf_char(&b, '[');
			buf_add(&b, words.items[k]);
			buf_char(&b, ']');
		}
		cr_expect_str_eq(buf_cstr(&b), splits[i].words, "%s",
		    splits[i].about);
		arena_clear(&a);
	}
}

Test(curl_command, bad_words)
{
	static const char *const rows[] = {"'a", "\"a", "a \"b\\\"", "$'a",
	    "$\"a", "$'a\\'"};
	struct arena a = {NULL};
	struct shell_words words;
	char *large = calloc(1, SHELL_TEXT_MAX + 2);

	for (size_t i = 0; i < COUNT(rows); i++)
		cr_expect(shell_words_split(str_of(rows[i]), &a, &words) !=
		    NULL, "%s", rows[i]);
	cr_assert(large != NULL);
	memset(large, 'a', SHELL_TEXT_MAX + 1);
	cr_expect(shell_words_split((struct str){large, SHELL_TEXT_MAX}, &a,
	    &words) == NULL && words.count == 1);
	cr_expect(shell_words_split((struct str){large, SHELL_TEXT_MAX + 1},
	    &a, &words) != NULL);
	for (size_t i = 1; i < SHELL_TEXT_MAX; i += 2)
		large[i] = ' ';
	cr_expect(shell_words_split((struct str){large, 2 * SHELL_WORDS_MAX},
	    &a, &words) == NULL && words.count == SHELL_WORDS_MAX);
	cr_expect(shell_words_split((struct str){large,
	    2 * SHELL_WORDS_MAX + 2}, &a, &words) != NULL);
	free(large);
	arena_clear(&a);
}

/* ---- commands ---------------------------------------------------------- */

static const struct {
	const char *about, *text, *method, *url, *headers;
	bool cookies;
} commands[] = {
	{"the least", "curl https://h/", "GET", "https://h/", "", false},
	{"Chrome", "curl 'https://h/v1' \\\n  -X 'PUT' \\\n"
	    "  -H 'accept: */*' \\\n  -b 'sid=1; b=2' \\\n"
	    "  -H 'content-type: application/json' \\\n"
	    "  --data-raw $'{\"a\":\"it\\'s\"}'", "PUT", "https://h/v1",
	    "accept=*/*;cookie=sid=1; b=2;content-type=application/json;",
	    true},
	{"Firefox", "curl 'https://h/v1' --compressed -X POST "
	    "-H 'User-Agent: M' -H 'Cookie: a=b' --data-raw 'x'", "POST",
	    "https://h/v1", "User-Agent=M;Cookie=a=b;", true},
	{"data means POST", "curl https://h/ -d x", "POST", "https://h/", "",
	    false},
	{"a form means POST", "curl https://h/ -F a=b", "POST", "https://h/",
	    "", false},
	{"--json", "curl --json '{}' https://h/", "POST", "https://h/",
	    "content-type=application/json;", false},
	{"-I", "curl -sI https://h/", "HEAD", "https://h/", "", false},
	{"-T", "curl -T file https://h/", "PUT", "https://h/", "", false},
	{"-G", "curl -G https://h/ -d a=1 -d b=2", "GET", "https://h/?a=1&b=2",
	    "", false},
	{"-G with a query", "curl -G 'https://h/?x' -d a=1", "GET",
	    "https://h/?x&a=1", "", false},
	{"letters together", "curl -sSLXDELETE -HX-A:1 https://h/", "DELETE",
	    "https://h/", "X-A=1;", false},
	{"--option=value", "curl --request=PUT --url=https://h/ "
	    "--header='X-A: 1'", "PUT", "https://h/", "X-A=1;", false},
	{"options of no interest", "curl -o out -m 5 -k https://h/", "GET",
	    "https://h/", "", false},
	{"an empty header and one taken out",
	    "curl https://h/ -H 'X-A;' -H 'Accept:'", "GET", "https://h/",
	    "X-A=;", false},
	{"-u", "curl -u a:b https://h/", "GET", "https://h/",
	    "authorization=Basic;", false},
	{"-A and -e", "curl -A x -e https://p/ https://h/", "GET",
	    "https://h/", "user-agent=x;referer=https://p/;", false},
	{"curl.exe", "curl.exe ^\"https://h/^\" ^\r\n -X ^\"PUT^\"", "PUT",
	    "https://h/", "", false},
};

Test(curl_command, commands)
{
	for (size_t i = 0; i < COUNT(commands); i++) {
		char space[512];
		struct buf b = BUF(space);
		struct arena a = {NULL};
		struct curl_command c;

		cr_assert(curl_command_parse(str_of(commands[i].text), &c, &a,
		    NULL, (struct place){0, 0, 0}) == 0, "%s",
		    commands[i].about);
		for (size_t k = 0; k < c.headers.count; k++) {
			buf_add(&b, c.headers.items[k].name);
			buf_char(&b, '=');
			buf_add(&b, c.headers.items[k].value);
			buf_char(&b, ';');
		}
		cr_expect_str_eq(buf_cstr(&b), commands[i].headers, "%s",
		    commands[i].about);
		cr_expect(str_eq(c.method, str_of(commands[i].method)),
		    "%s: %.*s", commands[i].about, STR_ARG(c.method));
		cr_expect(str_eq(c.url, str_of(commands[i].url)), "%s: %.*s",
		    commands[i].about, STR_ARG(c.url));
		cr_expect(c.cookies == commands[i].cookies, "%s",
		    commands[i].about);
		arena_clear(&a);
	}
}

Test(curl_command, bad_commands)
{
	static const struct {
		const char *text, *id;
	} rows[] = {
		{"", "curl-command"}, {"wget https://h/", "curl-command"},
		{"curl", "curl-url"}, {"curl -X PUT", "curl-url"},
		{"curl https://h/ https://i/", "curl-urls"},
		{"curl --nope https://h/", "curl-option"},
		{"curl -sQ https://h/", "curl-option"},
		{"curl https://h/ -X", "curl-argument"},
		{"curl https://h/ --header", "curl-argument"},
		{"curl 'https://h/", "curl-quoting"},
		{"curl https://h/ -X OPTIONS "
		    "-H 'Access-Control-Request-Method: PUT'",
		    "curl-preflight"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag *d = diag_new();
		struct arena a = {NULL};
		struct curl_command c;
		char *ids;

		cr_expect(curl_command_parse(str_of(rows[i].text), &c, &a, d,
		    (struct place){diag_file(d, "--curl"), 0, 0}) == -1, "%s",
		    rows[i].text);
		ids = unit_ids(d);
		cr_expect_str_eq(ids, rows[i].id, "%s", rows[i].text);
		free(ids);
		arena_clear(&a);
		diag_free(d);
	}
}

Test(curl_command, headers_of_the_browser)
{
	static const struct {
		const char *name, *value;
		bool browsers;
	} rows[] = {
		{"Cookie", "a", true}, {"sec-ch-ua", "a", true},
		{"User-Agent", "a", true}, {"priority", "u=1", true},
		{"Cache-Control", "no-cache", true},
		{"Pragma", "no-cache", true},
		{"Cache-Control", "max-age=0", false}, {"DNT", "1", true},
		{"Authorization", "Bearer", false}, {"X-A", "1", false},
		{"Content-Type", "application/json", false},
		{"If-None-Match", "\"a\"", true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct header h = {str_of(rows[i].name),
		    str_of(rows[i].value)};

		cr_expect(curl_header_is_browsers(&h) == rows[i].browsers,
		    "%s: %s", rows[i].name, rows[i].value);
	}
}
