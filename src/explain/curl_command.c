#include "config.h"

#include "explain/curl_command.h"

#include "base/buf.h"
#include "explain/shell_words.h"

/* ---- the options of curl ----------------------------------------------- */

enum action {
	ACTION_NONE,   /* no argument, of no interest */
	ACTION_SKIP,   /* an argument of no interest */
	ACTION_URL, ACTION_METHOD, ACTION_HEADER, ACTION_DATA, ACTION_JSON,
	ACTION_FORM, ACTION_COOKIE, ACTION_USER, ACTION_AGENT, ACTION_REFERER,
	ACTION_UPLOAD,
	ACTION_HEAD, ACTION_GET, /* no argument */
};

static const struct curl_option {
	const char *name; /* long */
	char letter;      /* or '\0' */
	enum action action;
} options[] = {
	{"request", 'X', ACTION_METHOD},
	{"header", 'H', ACTION_HEADER},
	{"data", 'd', ACTION_DATA},
	{"data-raw", '\0', ACTION_DATA},
	{"data-binary", '\0', ACTION_DATA},
	{"data-ascii", '\0', ACTION_DATA},
	{"data-urlencode", '\0', ACTION_DATA},
	{"json", '\0', ACTION_JSON},
	{"form", 'F', ACTION_FORM},
	{"form-string", '\0', ACTION_FORM},
	{"cookie", 'b', ACTION_COOKIE},
	{"user", 'u', ACTION_USER},
	{"user-agent", 'A', ACTION_AGENT},
	{"referer", 'e', ACTION_REFERER},
	{"upload-file", 'T', ACTION_UPLOAD},
	{"url", '\0', ACTION_URL},
	{"head", 'I', ACTION_HEAD},
	{"get", 'G', ACTION_GET},
	{"cookie-jar", 'c', ACTION_SKIP},
	{"output", 'o', ACTION_SKIP},
	{"dump-header", 'D', ACTION_SKIP},
	{"write-out", 'w', ACTION_SKIP},
	{"max-time", 'm', ACTION_SKIP},
	{"connect-timeout", '\0', ACTION_SKIP},
	{"proxy", 'x', ACTION_SKIP},
	{"cert", 'E', ACTION_SKIP},
	{"key", '\0', ACTION_SKIP},
	{"cacert", '\0', ACTION_SKIP},
	{"resolve", '\0', ACTION_SKIP},
	{"retry", '\0', ACTION_SKIP},
	{"range", 'r', ACTION_SKIP},
	{"compressed", '\0', ACTION_NONE},
	{"insecure", 'k', ACTION_NONE},
	{"silent", 's', ACTION_NONE},
	{"show-error", 'S', ACTION_NONE},
	{"location", 'L', ACTION_NONE},
	{"include", 'i', ACTION_NONE},
	{"verbose", 'v', ACTION_NONE},
	{"fail", 'f', ACTION_NONE},
	{"no-buffer", 'N', ACTION_NONE},
	{"globoff", 'g', ACTION_NONE},
	{"remote-name", 'O', ACTION_NONE},
	{"progress-bar", '#', ACTION_NONE},
	{"path-as-is", '\0', ACTION_NONE},
	{"http1.1", '\0', ACTION_NONE},
	{"http2", '\0', ACTION_NONE},
	{"http3", '\0', ACTION_NONE},
	{"ipv4", '4', ACTION_NONE},
	{"ipv6", '6', ACTION_NONE},
};

enum { OPTIONS = sizeof(options) / sizeof(options[0]) };

static const struct curl_option *
find_long(struct str name)
{
	for (size_t i = 0; i < OPTIONS; i++)
		if (str_eq(name, str_of(options[i].name)))
			return &options[i];
	return NULL;
}

static const struct curl_option *
find_letter(char letter)
{
	for (size_t i = 0; letter != '\0' && i < OPTIONS; i++)
		if (options[i].letter == letter)
			return &options[i];
	return NULL;
}

static bool
takes_argument(const struct curl_option *o)
{
	return o->action != ACTION_NONE && o->action != ACTION_HEAD &&
	    o->action != ACTION_GET;
}

/* ---- what they say ----------------------------------------------------- */

struct reading {
	struct curl_command *out;
	struct header *headers;
	struct str *data;  /* for --get */
	size_t nheaders, ndata;
	bool body, upload, head, get;
	struct arena *arena;
	struct diag *d;
	struct place at;
};

static int
error(const struct reading *r, const char *id, struct str what,
    const char *text, const char *hint)
{
	struct shown shown;

	diag_add(r->d, DIAG_ERROR, r->at, id, hint, "%s '%s'", text,
	    buf_shown(&shown, what));
	return -1;
}

static void
add_header(struct reading *r, struct str name, struct str value)
{
	r->headers[r->nheaders++] = (struct header){name, value};
}

/* 'Name: value'; 'Name;' has an empty value, and 'Name:' takes one of curl's
 * own out. */
static void
take_header(struct reading *r, struct str text)
{
	const char *colon = text.n > 0 ? memchr(text.p, ':', text.n) : NULL;
	struct str name, value;

	if (colon == NULL) {
		if (text.n > 1 && text.p[text.n - 1] == ';')
			add_header(r, (struct str){text.p, text.n - 1},
			    STR(""));
		return;
	}
	name = str_trim((struct str){text.p, (size_t)(colon - text.p)});
	value = str_trim(str_from(text, name.n + 1));
	if (value.n > 0)
		add_header(r, name, value);
}

static void
take_data(struct reading *r, struct str data)
{
	r->body = true;
	r->data[r->ndata++] = data;
}

static int
take_url(struct reading *r, struct str url)
{
	if (r->out->url.n > 0)
		return error(r, "curl-urls", url, "there is a second URL",
		    "paste one request at a time");
	r->out->url = url;
	return 0;
}

/* Returns 0, or -1 with an error. */
static int
act(struct reading *r, enum action action, struct str argument)
{
	switch (action) {
	case ACTION_URL:
		return take_url(r, argument);
	case ACTION_METHOD:
		r->out->method = argument;
		break;
	case ACTION_HEADER:
		take_header(r, argument);
		break;
	case ACTION_JSON:
		add_header(r, STR("content-type"), STR("application/json"));
		take_data(r, argument);
		break;
	case ACTION_DATA:
		take_data(r, argument);
		break;
	case ACTION_FORM:
		r->body = true;
		break;
	case ACTION_COOKIE:
		add_header(r, STR("cookie"), argument);
		break;
	case ACTION_USER:
		add_header(r, STR("authorization"), STR("Basic"));
		break;
	case ACTION_AGENT:
		add_header(r, STR("user-agent"), argument);
		break;
	case ACTION_REFERER:
		add_header(r, STR("referer"), argument);
		break;
	case ACTION_UPLOAD:
		r->upload = true;
		break;
	case ACTION_HEAD:
		r->head = true;
		break;
	case ACTION_GET:
		r->get = true;
		break;
	case ACTION_NONE:
	case ACTION_SKIP:
		break;
	}
	return 0;
}

/* ---- the words --------------------------------------------------------- */

/* The option at words[*i], with the next word where it is its argument. */
static int
take_long(struct reading *r, const struct shell_words *words, size_t *i)
{
	struct str word = str_from(words->items[*i], 2), argument = STR("");
	const char *equals = memchr(word.p, '=', word.n);
	struct str name = word;
	const struct curl_option *o;

	if (equals != NULL)
		name.n = (size_t)(equals - word.p);
	o = find_long(name);
	if (o == NULL)
		return error(r, "curl-option", words->items[*i],
		    "unknown option of curl", "remove it");
	if (takes_argument(o) && equals != NULL)
		argument = str_from(word, name.n + 1);
	else if (takes_argument(o) && ++*i < words->count)
		argument = words->items[*i];
	else if (takes_argument(o))
		return error(r, "curl-argument", word,
		    "missing argument of option", "paste all of it");
	return act(r, o->action, argument);
}

/* Letters that may stand together, the last with an argument: -sSL, -XPUT. */
static int
take_letters(struct reading *r, const struct shell_words *words, size_t *i)
{
	struct str word = words->items[*i];

	for (size_t k = 1; k < word.n; k++) {
		const struct curl_option *o = find_letter(word.p[k]);
		struct str argument = str_from(word, k + 1);

		if (o == NULL)
			return error(r, "curl-option", word,
			    "unknown option of curl", "remove it");
		if (!takes_argument(o)) {
			if (act(r, o->action, STR("")) != 0)
				return -1;
			continue;
		}
		if (argument.n == 0 && ++*i == words->count)
			return error(r, "curl-argument", word,
			    "missing argument of option",
			    "paste all of it");
		return act(r, o->action, argument.n > 0 ? argument :
		    words->items[*i]);
	}
	return 0;
}

static int
take_words(struct reading *r, const struct shell_words *words)
{
	for (size_t i = 1; i < words->count; i++) {
		struct str word = words->items[i];
		int result;

		if (str_starts(word, STR("--")) && word.n > 2)
			result = take_long(r, words, &i);
		else if (word.n > 1 && word.p[0] == '-')
			result = take_letters(r, words, &i);
		else
			result = take_url(r, word);
		if (result != 0)
			return -1;
	}
	return 0;
}

/* ---- the request ------------------------------------------------------- */

/* With --get the data is a part of the URL. */
static int
add_query(struct reading *r)
{
	struct str url = r->out->url;
	size_t cap = url.n + 1;
	struct buf b;

	for (size_t i = 0; i < r->ndata; i++)
		cap += r->data[i].n + 1;
	b = (struct buf){arena_alloc(r->arena, cap), 0, cap, false};
	if (b.p == NULL)
		return error(r, "curl-memory", url, "no memory for", NULL);
	buf_add(&b, url);
	for (size_t i = 0; i < r->ndata; i++) {
		buf_char(&b, i > 0 || memchr(url.p, '?', url.n) != NULL ?
		    '&' : '?');
		buf_add(&b, r->data[i]);
	}
	r->out->url = buf_str(&b);
	return 0;
}

static struct str
implied_method(const struct reading *r)
{
	if (r->head)
		return STR("HEAD");
	if (r->upload)
		return STR("PUT");
	return r->body && !r->get ? STR("POST") : STR("GET");
}

static int
finish(struct reading *r)
{
	struct curl_command *out = r->out;

	if (out->url.n == 0)
		return error(r, "curl-url", STR("curl"),
		    "there is no URL after", "paste the whole command");
	if (r->get && add_query(r) != 0)
		return -1;
	if (out->method.n == 0)
		out->method = implied_method(r);
	out->headers = (struct headers){r->headers, r->nheaders};
	out->cookies = curl_command_header(out, STR("cookie")).n > 0;
	if (str_eq(out->method, STR("OPTIONS")) && curl_command_header(out,
	    STR("access-control-request-method")).n > 0)
		return error(r, "curl-preflight", out->url, "this is the "
		    "preflight itself, to", "copy the request of type fetch "
		    "or xhr that comes with it");
	return 0;
}

int
curl_command_parse(struct str text, struct curl_command *out, struct arena *a,
    struct diag *d, struct place at)
{
	struct reading r = {.out = out, .arena = a, .d = d, .at = at};
	struct shell_words words;
	const char *wrong = shell_words_split(text, a, &words);

	*out = (struct curl_command){.url = STR(""), .method = STR("")};
	if (wrong != NULL) {
		diag_add(d, DIAG_ERROR, at, "curl-quoting",
		    "paste it as the browser copied it, 'as cURL (bash)'",
		    "the command %s", wrong);
		return -1;
	}
	if (words.count == 0 || !(str_eq(words.items[0], STR("curl")) ||
	    str_eq(words.items[0], STR("curl.exe"))))
		return error(&r, "curl-command", words.count > 0 ?
		    words.items[0] : STR(""), "the command is not curl but",
		    "copy the request 'as cURL (bash)' in the browser's "
		    "network panel");
	r.headers = arena_array(a, words.count + 1, sizeof(*r.headers));
	r.data = arena_array(a, words.count + 1, sizeof(*r.data));
	if (r.headers == NULL || r.data == NULL)
		return error(&r, "curl-memory", text, "no memory for", NULL);
	if (take_words(&r, &words) != 0)
		return -1;
	return finish(&r);
}

struct str
curl_command_header(const struct curl_command *c, struct str name)
{
	for (size_t i = 0; i < c->headers.count; i++)
		if (str_eq_fold(c->headers.items[i].name, name))
			return c->headers.items[i].value;
	return STR("");
}

bool
curl_header_is_browsers(const struct header *h)
{
	/* Added after the decision, or by the network panel itself (no-cache)
	 * and the browser's cache (if-...). */
	static const char *const names[] = {"user-agent", "priority",
	    "purpose", "upgrade-insecure-requests", "if-none-match",
	    "if-modified-since", "x-client-data", "x-browser-channel",
	    "x-browser-copyright", "x-browser-validation", "x-browser-year",
	    "access-control-request-private-network"};

	if (browser_header_dropped(BROWSER_SPEC, h))
		return true;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (str_eq_fold(h->name, str_of(names[i])))
			return true;
	return str_eq(h->value, STR("no-cache")) &&
	    (str_eq_fold(h->name, STR("cache-control")) ||
	        str_eq_fold(h->name, STR("pragma")));
}
