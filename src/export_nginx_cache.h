/* export_nginx_cache.h - nginx: repeated preflights are answered from its own
 * cache (fastcgi_cache), in the parts that export_nginx.c writes. */
#ifndef PREFLIGHTD_EXPORT_NGINX_CACHE_H
#define PREFLIGHTD_EXPORT_NGINX_CACHE_H

#include "export.h"

/* What it takes in http { }. */
void nginx_cache_http(struct export *e);

/* What it takes in the location that passes preflights to preflightd: in front
 * of all else there, and behind. */
void nginx_cache_method(struct export *e);
void nginx_cache_location(struct export *e);

#endif
