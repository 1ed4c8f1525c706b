#include "config.h"

#include "base/escape.h"
#include "status/status.h"

#include <stdlib.h>

#include "unit.h"

Test(status, knows_its_path)
{
	static const struct {
		const char *uri;
		bool asked;
	} rows[] = {
		{"/preflightd/status", true},
		{"/preflightd/status?json", true},
		{"http://any.example/preflightd/status", true},
		{"/preflightd/%73tatus", true},
		{"//preflightd/status", true},
		{"/x/../preflightd/./status", true},
		{"/preflightd/status/", false},
		{"/preflightd/status/.", false},
		{"/preflightd/status//", false},
		{"/preflightd/status;a", false},
		{"/preflightd/statuses", false},
		{"/preflightd%2fstatus", false},
		{"/preflightd/Status", false},
		{"/preflightd", false},
		{"/x/preflightd/status", false},
		{"/preflightd/status!", false},
		{"/preflightd/status%00", false},
		{"*", false},
		{"/", false},
		{"", false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r;
		struct status_ask ask;

		request_init(&r);
		request_param(&r, STR("REQUEST_METHOD"), STR("GET"));
		request_param(&r, STR("REQUEST_URI"), str_of(rows[i].uri));
		cr_expect_eq(status_asked(STR("/preflightd/status"), &r, &ask),
		    rows[i].asked, "'%s'", rows[i].uri);
		cr_expect(!status_asked(STR(""), &r, &ask), "off");
	}
}

Test(status, knows_its_path_without_a_uri)
{
	struct request r;
	struct status_ask ask;

	request_init(&r);
	request_param(&r, STR("SCRIPT_NAME"), STR("/a"));
	request_param(&r, STR("PATH_INFO"), STR("/status"));
	cr_expect(status_asked(STR("/a/status"), &r, &ask));
	cr_expect(!status_asked(STR("/a/statu"), &r, &ask));
	cr_expect(!status_asked(STR("/b/status"), &r, &ask));
	request_param(&r, STR("REQUEST_URI"), STR("/other"));
	cr_expect(!status_asked(STR("/a/status"), &r, &ask));
}

Test(status, tells_methods_and_forms)
{
	static const struct {
		const char *method, *uri;
		enum status_form form;
		bool head, refused;
	} rows[] = {
		{"GET", "/s", STATUS_TEXT, false, false},
		{"GET", "/s?", STATUS_TEXT, false, false},
		{"GET", "/s?json", STATUS_JSON, false, false},
		{"GET", "/s?openmetrics=", STATUS_METRICS, false, false},
		{"GET", "/s?a=b&html", STATUS_HTML, false, false},
		{"GET", "/s?xml", STATUS_TEXT, false, false},
		{"GET", "/s?json=1", STATUS_TEXT, false, false},
		{"GET", "/s?&&", STATUS_TEXT, false, false},
		{"HEAD", "/s?html&json", STATUS_HTML, true, false},
		{"POST", "/s", STATUS_TEXT, false, true},
		{"get", "/s", STATUS_TEXT, false, true},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct request r;
		struct status_ask ask;

		request_init(&r);
		request_param(&r, STR("REQUEST_METHOD"),
		    str_of(rows[i].method));
		request_param(&r, STR("REQUEST_URI"), str_of(rows[i].uri));
		cr_assert(status_asked(STR("/s"), &r, &ask));
		cr_expect_eq(ask.form, rows[i].form, "%s", rows[i].uri);
		cr_expect_eq(ask.head, rows[i].head);
		cr_expect_eq(ask.refused, rows[i].refused);
	}
}

Test(status, takes_paths_that_can_be_asked_for)
{
	static const char *const good[] = {"/s", "/preflightd/status",
		"/a-b_c.d/~e"};
	static const char *const bad[] = {"", "/", "s", "/s/", "/a//b",
		"/a/../b", "/./a", "/a%20b", "/a?b", "/a#b", "/a b", "/a;b",
		"/a!", "/\xc3\xa4", "http://a/b", "*"};

	for (size_t i = 0; i < COUNT(good); i++)
		cr_expect(status_path_valid(str_of(good[i])), "%s", good[i]);
	for (size_t i = 0; i < COUNT(bad); i++)
		cr_expect(!status_path_valid(str_of(bad[i])), "%s", bad[i]);
}

/* What a function writes, as a string that the caller frees. */
static char *
written(void (*fn)(FILE *f, struct str text), struct str text)
{
	char *p = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&p, &n);

	cr_assert(f != NULL);
	fn(f, text);
	cr_assert_eq(fclose(f), 0);
	return p;
}

Test(status, shows_hostile_text_as_text)
{
	static const struct {
		struct str in;
		const char *plain, *html;
	} rows[] = {
		{RAW("https://app.example.com"), "https://app.example.com",
		    "https://app.example.com"},
		{RAW("<script>&'"), "<script>&'", "&lt;script&gt;&amp;&#39;"},
		{RAW("a\"b\\c"), "a\\x22b\\x5cc", "a\\x22b\\x5cc"},
		{RAW("\0\n\r\t\x1b\x7f"), "\\x00\\x0a\\x0d\\x09\\x1b\\x7f",
		    "\\x00\\x0a\\x0d\\x09\\x1b\\x7f"},
		{RAW("\xc3\xa4\xff"), "\\xc3\\xa4\\xff", "\\xc3\\xa4\\xff"},
		{RAW(""), "", ""},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char *plain = written(escape_print, rows[i].in);
		char *html = written(markup_html, rows[i].in);

		cr_expect_str_eq(plain, rows[i].plain);
		cr_expect_str_eq(html, rows[i].html);
		free(plain);
		free(html);
	}
}

Test(status, shows_text_of_any_length)
{
	char text[1000], wanted[4 * sizeof text + 1];
	char *html;

	memset(text, '<', sizeof text);
	for (size_t i = 0; i < sizeof text; i++)
		memcpy(wanted + 4 * i, "&lt;", 5);
	html = written(markup_html, (struct str){text, sizeof text});
	cr_expect_str_eq(html, wanted);
	free(html);
}
