#include "config.h"

#include "verify/curl_library.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Sets the function pointer of size bytes at `to`: ISO C converts no object
 * pointer to one. */
static int
find(void *library, const char *name, void *to, size_t size)
{
	void *symbol = dlsym(library, name);

	if (symbol == NULL || size != sizeof symbol)
		return -1;
	memcpy(to, &symbol, size);
	return 0;
}

#define FIND(member) \
	find(library, "curl_" #member, &out->member, sizeof out->member)

static int
find_all(void *library, struct curl_library *out)
{
	return FIND(global_init) == 0 && FIND(global_cleanup) == 0 &&
	    FIND(easy_init) == 0 && FIND(easy_setopt) == 0 &&
	    FIND(easy_perform) == 0 && FIND(easy_strerror) == 0 &&
	    FIND(easy_cleanup) == 0 && FIND(slist_append) == 0 &&
	    FIND(slist_free_all) == 0 ? 0 : -1;
}

int
curl_library_load(struct curl_library *out)
{
	void *library = dlopen(CURL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const char *why;

	if (library != NULL && find_all(library, out) == 0)
		return 0;
	why = dlerror();
	fprintf(stderr, "preflightd: cannot load libcurl: %s\n"
	    "  install it (Debian: libcurl4)\n", why != NULL ? why :
	    CURL_LIBRARY);
	if (library != NULL)
		(void)dlclose(library);
	errno = ELIBACC;
	return -1;
}
