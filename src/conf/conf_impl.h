/* conf_impl.h - what the parts of the loader share: a policy file as read,
 * before the defaults are filled in. */
#ifndef PREFLIGHTD_CONF_CONF_IMPL_H
#define PREFLIGHTD_CONF_CONF_IMPL_H

#include "base/lines.h"
#include "conf/conf.h"

/* The elements of a list key. */
struct names {
	struct field_item *items;
	size_t count, cap;
};

/* An allow-origins list; policies that inherit it, or name the same files,
 * share one. */
struct origin_list {
	struct origin_list *next; /* with files alone, by their hash */
	struct origin_set *set; /* owned by the policy set */
	struct names files;     /* its @FILE entries */
	bool has_own;           /* entries of its own beside the files */
	bool faulty;            /* some entry or file was refused */
	size_t good;            /* entries that were not, with duplicates */
	bool risky;             /* some entry does not go with credentials */
};

struct section {
	struct section *next;
	enum section_kind kind;
	struct str name;
	struct place at;
	bool damaged; /* a line of it was refused: what it lacks is no news */
	bool second;  /* of its name */
	bool foreign; /* of no known kind, and read as a policy */
	bool set[KEY_COUNT];       /* by policy_key or test_key, as all below */
	bool guessed[KEY_COUNT];   /* set by a misspelt key, reported */
	struct place key_at[KEY_COUNT], value_at[KEY_COUNT];
	size_t elements[KEY_COUNT];
	struct names lists[KEY_COUNT];
	struct origin_list *origins;
	struct policy values;      /* hosts, field sets and scalars */
	struct conf_test test;
};

enum { CONF_BUCKETS = 4096 };

struct conf {
	struct diag *d;
	const char *path;
	const char *beside; /* what lists are relative to: the path, or "" */
	const struct conf_observer *observer; /* or NULL */
	unsigned file;          /* the policy file's number in d */
	struct policy_set *set;
	struct arena *kept;     /* the set's: what the policies need */
	struct arena scratch;   /* what the loading needs */
	struct section *sections, **tail;
	struct section *defaults; /* NULL without one */
	struct section *current;
	int key;                /* of the current section, -1: an unknown one */
	struct conf_file *files[CONF_BUCKETS];   /* by a hash */
	struct origin_list *lists[CONF_BUCKETS]; /* of files alone, too */
	bool no_memory;
	bool stopped;           /* the load, by its observer */
};

/* Opens a file of the load as lines_open does, and tells the observer first. */
int conf_open(const struct conf *c, struct lines *in, const char *path,
    const char **why);

/* How to mend what kept conf_open, called just before, from opening a file: for
 * want of permission that, else the hint given. */
const char *conf_open_hint(const char *otherwise);

/* Whether the observer wants no more of this load.  Called for every line, it
 * asks now and then, and reports a stop once, as an error. */
bool conf_is_stopped(struct conf *c, unsigned line);

/* Reports a file that changed while it was read, now at its end.  Returns
 * whether it did. */
bool conf_file_changed(const struct conf *c, const struct lines *in,
    unsigned file);

/* Adds a copy of s.  Returns 0, or -1 without memory. */
int names_add(struct conf *c, struct names *n, struct str s, struct place at);

/* compile.c: makes policies of the sections and adds them to the set.
 * Returns 0, or -1 without memory. */
int conf_compile(struct conf *c);

/* origins.c: adds an entry to the section's allow-origins; files are kept for
 * conf_origins_load.  Returns 0, or -1 without memory. */
int conf_origins_add(struct conf *c, struct section *s, struct str entry,
    struct place at);

/* Reads the files of the section's list, or shares the list of an earlier
 * section that names the same, and checks it.  Returns 0, or -1 without
 * memory. */
int conf_origins_load(struct conf *c, struct section *s);

/* test.c: these set request and expect of a [test].  They return 0, or -1
 * without memory. */
int conf_test_set_request(struct conf *c, struct section *s, struct str v,
    struct place at);
int conf_test_set_expect(struct conf *c, struct section *s, struct str v,
    struct place at);

/* Reports tests that lack a key or name an unknown policy. */
void conf_tests_check(struct conf *c);

/* Runs the tests against the sealed policies; a failure is an error in d.
 * out may be NULL.  Returns 0, or -1 without memory. */
int conf_tests_run(struct conf *c, struct conf_tests *out);

/* hints.c: as origin_parse, also for entries as other software writes them:
 * expressions, quotes, lists in JSON.  These are errors here as anywhere, but
 * the hint says what to write in place of what was meant. */
int hint_origin_parse(struct str entry, struct origin *out, struct diag *d,
    struct place at);

/* What other software calls yes (1) or no (0); -1 for all else. */
int hint_choice(struct str value);

#endif
