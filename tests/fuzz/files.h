/* base/file.h - what a fuzz target writes for a loader to read. */
#ifndef PREFLIGHTD_FUZZ_FILES_H
#define PREFLIGHTD_FUZZ_FILES_H

#include "base/str.h"
#include "conf/conf.h"

/* Writes a file of that name, a literal, in a private folder that is removed
 * at the end, and returns its path until the next call. */
const char *fuzz_file(const char *name, struct str text);

/* The policies of a text, or NULL where it is faulty.  The caller frees
 * them. */
struct policy_set *fuzz_policies(struct str text);

#endif
