/* conf_values.h - the values of the keys of [policy] and [defaults]. */
#ifndef PREFLIGHTD_CONF_VALUES_H
#define PREFLIGHTD_CONF_VALUES_H

#include "conf_impl.h"

/* Setters, see conf_keys.h. */
int conf_set_host(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_path(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_methods(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_headers(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_expose(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_credentials(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_debug(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_insecure(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_suffixes(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_max_age(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_success_status(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_set_refuse_status(struct conf *c, struct section *s, struct str v,
    struct place at);

/* Sets *out to whether v is the word yes; it is an error if it is neither yes
 * nor no. */
void conf_choose(struct conf *c, const char *key, struct str v,
    struct place at, const char *yes, const char *no, bool *out);

#endif
