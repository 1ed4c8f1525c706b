/* export_nginx_cache.c - nginx: what is kept in its cache, for how long, and
 * what an answer is found by. */
#include "config.h"

#include "export_nginx_cache.h"

/* nginx takes about 8,000 keys for a megabyte.  An entry has a file that holds
 * its key and the answer: one or two pages. */
#define KEYS "1m"
#define FILES "32m"

/* Seconds that a key is remembered without a request, at least: what is asked
 * for once more within that time is kept. */
enum { REMEMBERED = 60 };

/* Hexadecimal digits of the policies' digest: enough to tell one export from
 * the next. */
enum { DIGEST_SHOWN = 16 };

/* Whether some answer of preflightd is a 200: nginx looks at the conditions and
 * ranges of a request for such a one alone. */
static bool
has_ok(const struct export *e)
{
	if (policy_set_refuse_status(e->set) == 200)
		return true;
	for (size_t i = 0; i < policy_set_count(e->set); i++) {
		const struct policy *p = policy_set_get(e->set, i);

		if (p->success_status == 200 || p->refuse_status == 200)
			return true;
	}
	return false;
}

static void
write_path(struct export *e)
{
	unsigned seconds = e->options->cache;

	fprintf(e->to, "\n# A preflight that is asked for again is answered by "
	    "nginx, for %u s.  The\n# megabyte of keys bounds what is kept: "
	    "about 8,000 answers.\n"
	    "fastcgi_cache_path %.*s keys_zone=preflightd:" KEYS " inactive=%us"
	    "\n\tmax_size=" FILES " use_temp_path=off;\n", seconds,
	    STR_ARG(e->options->cache_path),
	    seconds > REMEMBERED ? seconds : REMEMBERED);
}

void
nginx_cache_http(struct export *e)
{
	bool ok = has_ok(e);

	write_path(e);
	/* The key has to fit into fastcgi_buffer_size beside the answer. */
	fprintf(e->to, "\n# Requests of 3,000 bytes and more go past the cache."
	    "\nmap $request_length %s {\n"
	    "\tdefault preflightd;\n"
	    "\t\"~^[3-9]...|.....\" off;\n"
	    "}\n", ok ? "$preflightd_short" : "$preflightd_cache");
	if (ok)
		fputs("# So do conditions and ranges, which nginx applies to a "
		    "cached 200.\n"
		    "map \"$http_if_match$http_if_none_match"
		    "$http_if_modified_since$http_if_unmodified_since"
		    "$http_if_range$http_range\" $preflightd_cache {\n"
		    "\t\"\"      $preflightd_short;\n"
		    "\tdefault off;\n"
		    "}\n", e->to);
	fputs("# Refusals are not kept: preflightd counts and logs them all.\n"
	    "map $upstream_http_access_control_allow_origin "
	    "$preflightd_unkept {\n"
	    "\t\"\"      1;\n"
	    "\tdefault \"\";\n"
	    "}\n", e->to);
}

void
nginx_cache_method(struct export *e)
{
	fputs("\n"
	    "\t# The cache is for GET; on its way to an error page a request "
	    "becomes one.\n"
	    "\terror_page 418 = /.cors-preflight;\n"
	    "\tif ($request_method = OPTIONS) {\n"
	    "\t\treturn 418;\n"
	    "\t}\n", e->to);
}

void
nginx_cache_location(struct export *e)
{
	fprintf(e->to, "\n"
	    "\t# The digest of the policy, and of what is passed below all "
	    "that an answer\n"
	    "\t# depends on.  No value can hold a line feed.  Repeated fields "
	    "are told apart\n"
	    "\t# by the answer's Vary.\n"
	    "\tfastcgi_cache $preflightd_cache;\n"
	    "\tfastcgi_cache_key \"%.*s\\n$host\\n$request_uri"
	    "\\n$http_origin\\n$http_access_control_request_method"
	    "\\n$http_access_control_request_headers\";\n"
	    "\tfastcgi_cache_valid any %us;\n"
	    "\tfastcgi_cache_min_uses 2;\n", DIGEST_SHOWN,
	    policy_set_digest(e->set), e->options->cache);
	/* All that http { } could set otherwise stands here.  No lock: it has
	 * others wait in steps of half a second, preflightd answers within a
	 * millisecond.  Nothing stale: nginx has no bound for its age.  Vary
	 * must count. */
	fputs("\tfastcgi_cache_bypass \"\";\n"
	    "\tfastcgi_no_cache $preflightd_unkept;\n"
	    "\tfastcgi_cache_lock off;\n"
	    "\tfastcgi_cache_use_stale off;\n"
	    "\tfastcgi_ignore_headers Expires Cache-Control Set-Cookie "
	    "X-Accel-Expires;\n"
	    "\tfastcgi_buffering on;\n"
	    "\tfastcgi_buffer_size 8k;\n"
	    "\tfastcgi_buffers 8 8k;\n"
	    "\tfastcgi_busy_buffers_size 16k;\n"
	    "\topen_file_cache max=256 inactive=20s;\n"
	    "\topen_file_cache_errors off;\n"
	    "\n", e->to);
}
