/* origins.h - allow-origins: its entries, and the files that it names. */
#ifndef PREFLIGHTD_CONF_ORIGINS_H
#define PREFLIGHTD_CONF_ORIGINS_H

#include "conf/conf_impl.h"

/* The setter of the key: adds an entry to the section's list; files are kept
 * for conf_origins_load.  Returns 0, or -1 without memory. */
int conf_origins_add(struct conf *c, struct section *s, struct str entry,
    struct place at);

/* Reads the files of the section's list, or shares the list of an earlier
 * section that names the same, and checks it.  Returns 0, or -1 without
 * memory. */
int conf_origins_load(struct conf *c, struct section *s);

#endif
