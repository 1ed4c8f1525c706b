/* script.h - the parts of lighttpd's script that are the same for every
 * policy, in Lua 5.1 and later. */
#ifndef PREFLIGHTD_EXPORT_SCRIPT_H
#define PREFLIGHTD_EXPORT_SCRIPT_H

/* Together define `answer`, which gives the values of the fields, from the
 * tables `policies` and `hosts`, and `names_hosts`. */
extern const char export_script_hosts[], export_script_paths[],
    export_script_origins[];

/* Defines `answer` from what an authorizer said. */
extern const char export_script_ask[];

/* Sets the fields by `answer`. */
extern const char export_script_fields[];

#endif
