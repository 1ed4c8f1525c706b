/* curl_library.h - libcurl, loaded when the first HTTP request is to be made.
 * It brings thirty libraries with it, which took most of the time of a start
 * and of the memory of a server that never asks for anything. */
#ifndef PREFLIGHTD_VERIFY_CURL_LIBRARY_H
#define PREFLIGHTD_VERIFY_CURL_LIBRARY_H

#include <curl/curl.h>

/* What http.c calls of it, each with libcurl's own type. */
struct curl_library {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_global_cleanup) *global_cleanup;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
};

/* Fills *out.  The library stays loaded until the program ends.  Returns 0, or
 * -1 with a message on stderr and errno ELIBACC. */
int curl_library_load(struct curl_library *out);

#endif
