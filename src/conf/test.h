/* test.h - [test NAME]: what the policies must answer to a page. */
#ifndef PREFLIGHTD_CONF_TEST_H
#define PREFLIGHTD_CONF_TEST_H

#include "conf/conf_impl.h"

/* The values of its keys, see keys.h. */
int conf_test_set_request(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_test_header_check(struct str name, struct diag *d, struct place at);
int conf_test_set_expect(struct conf *c, struct section *s, struct str v,
    struct place at);

/* Reports tests that lack a key or name an unknown policy. */
void conf_tests_check(struct conf *c);

/* Runs the tests against the sealed policies; a failure is an error in d.
 * out may be NULL.  Returns 0, or -1 without memory. */
int conf_tests_run(struct conf *c, struct conf_tests *out);

#endif
