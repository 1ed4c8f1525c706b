/* facts.h - what the process knows of itself beside its counters: which
 * policies it has loaded and when.  Written by the thread that loads them, read
 * by any thread. */
#ifndef PREFLIGHTD_METRICS_FACTS_H
#define PREFLIGHTD_METRICS_FACTS_H

#include <stdint.h>

/* The policy that answers, and the candidate beside it. */
enum facts_role { FACTS_LIVE, FACTS_SHADOW, FACTS_ROLES };

enum { FACTS_TEXT = 512 };

/* Times are seconds since 1970, 0: never. */
struct facts_policy {
	char digest[80];           /* of the one in use; "": none */
	int64_t loaded_at;         /* when it was */
	unsigned long loads;       /* good ones, the first too */
	unsigned long refusals;    /* loads after which the old one stayed */
	int64_t refused_at;        /* the last of them */
	char refused[FACTS_TEXT];  /* why the last load was refused; "": good */
};

struct facts {
	int64_t started_at;
	int64_t started_us;        /* the same, of clock_us */
	struct facts_policy policy[FACTS_ROLES];
};

/* The process begins. */
void facts_start(void);

/* A policy is in use from now on; its digest is copied. */
void facts_loaded(enum facts_role role, const char *digest);

/* A load failed; text, cut where it is too long, says why. */
void facts_refused(enum facts_role role, const char *text);

/* Copies what is known now. */
void facts_get(struct facts *out);

#endif
