/* decision.c - what loading a policy and deciding cost in CPU time, by the
 * number of its origins: prints numbers, judges none.  Each size runs in a
 * process of its own, so that its memory is its own. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "conf/conf.h"
#include "core/preflight.h"
#include "core/response.h"

enum { ROUNDS = 9 };

static const double ROUND_SECONDS = 0.01;

static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Peak resident memory in MB. */
static double
memory(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)u.ru_maxrss / 1024;
}

static int
write_policy(const char *dir, unsigned long origins, char *path, size_t cap)
{
	char list[4096];
	FILE *f;

	snprintf(list, sizeof list, "%s/origins", dir);
	snprintf(path, cap, "%s/policy.ini", dir);
	f = fopen(list, "w");
	if (f == NULL)
		return -1;
	for (unsigned long i = 0; i < origins; i++)
		fprintf(f, "https://o%lu.example.com\n", i);
	if (fclose(f) != 0 || (f = fopen(path, "w")) == NULL)
		return -1;
	fprintf(f, "[policy bench]\nallow-origins = @origins\n"
	    "allow-methods = GET, POST, PUT, PATCH, DELETE\n"
	    "allow-headers = Authorization, Content-Type, X-Request-ID,"
	    " X-A, X-B, X-C, X-D, X-E\nallow-credentials = yes\n"
	    "max-age = 7200\n");
	return fclose(f);
}

static void
remove_policy(const char *dir)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/origins", dir);
	unlink(path);
	snprintf(path, sizeof path, "%s/policy.ini", dir);
	unlink(path);
	rmdir(dir);
}

static void
fill(struct request *r, struct str origin, struct str headers)
{
	request_init(r);
	request_param(r, STR("REQUEST_METHOD"), STR("OPTIONS"));
	request_param(r, STR("HTTP_HOST"), STR("api.example.com"));
	request_param(r, STR("REQUEST_URI"), STR("/api/v1/items"));
	request_param(r, STR("HTTP_ORIGIN"), origin);
	request_param(r, STR("HTTP_ACCESS_CONTROL_REQUEST_METHOD"), STR("PUT"));
	request_param(r, STR("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"), headers);
}

static int
by_value(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* How often to decide for a round of about ROUND_SECONDS. */
static size_t
batch_for(const struct policy_set *s, const struct request *r)
{
	size_t batch = 1;

	for (;; batch *= 2) {
		struct decision d;
		double start = now();
		for (size_t j = 0; j < batch; j++)
			preflight_decide(s, r, &d);
		if (now() - start > ROUND_SECONDS / 2)
			return batch;
	}
}

/* The median nanoseconds of a decision, and of decision and answer. */
static void
measure(const char *what, const struct policy_set *s, const struct request *r,
    enum reason wanted)
{
	double decide[ROUNDS], answer[ROUNDS];
	size_t cap = reply_max(s), batch = batch_for(s, r), n = 0;
	char *out = malloc(cap);
	struct decision d;

	if (out == NULL)
		return;
	for (size_t i = 0; i < ROUNDS; i++) {
		double start = now();
		for (size_t j = 0; j < batch; j++)
			preflight_decide(s, r, &d);
		decide[i] = (now() - start) / (double)batch * 1e9;
		start = now();
		for (size_t j = 0; j < batch; j++) {
			preflight_decide(s, r, &d);
			n = reply_write(s, r, &d, out, cap);
		}
		answer[i] = (now() - start) / (double)batch * 1e9;
	}
	qsort(decide, ROUNDS, sizeof *decide, by_value);
	qsort(answer, ROUNDS, sizeof *answer, by_value);
	printf("  %-22s %7.0f ns decided %7.0f ns answered, %zu bytes%s\n", what,
	    decide[ROUNDS / 2], answer[ROUNDS / 2], n,
	    d.reason == wanted ? "" : "  (UNEXPECTED REASON)");
	free(out);
}

/* Every look-up another origin, so that caches do not hold them all. */
static void
measure_spread(const struct policy_set *s, unsigned long origins)
{
	static char texts[4096][48];
	unsigned long x = 1;
	struct decision d;
	struct request r;
	double start;

	for (size_t i = 0; i < 4096; i++) {
		x = x * 6364136223846793005UL + 1442695040888963407UL;
		snprintf(texts[i], sizeof texts[i], "https://o%lu.example.com",
		    (x >> 33) % origins);
	}
	fill(&r, STR("x"), STR("authorization,content-type"));
	start = now();
	for (size_t j = 0; j < 50; j++)
		for (size_t i = 0; i < 4096; i++) {
			r.origin = str_of(texts[i]);
			preflight_decide(s, &r, &d);
		}
	printf("  %-22s %7.0f ns decided\n", "allowed, 4096 origins",
	    (now() - start) / 50 / 4096 * 1e9);
}

static void
measure_hostile(const struct policy_set *s)
{
	static char commas[65536], names[65536], spaces[65536], origin[8192];
	struct request r;

	memset(commas, ',', sizeof commas);
	memset(spaces, ' ', sizeof spaces);
	memset(origin, 'a', sizeof origin);
	memcpy(origin, "https://", 8);
	for (size_t i = 0; i < sizeof names; i += 4)
		memcpy(names + i, "X-A,", 4);
	fill(&r, STR("https://o0.example.com"),
	    (struct str){commas, sizeof commas});
	measure("64 KiB of commas", s, &r, REASON_ALLOWED);
	r.lines[0] = (struct str){spaces, sizeof spaces};
	measure("64 KiB of spaces", s, &r, REASON_ALLOWED);
	r.lines[0] = (struct str){names, sizeof names - 1};
	measure("64 KiB of names", s, &r, REASON_ALLOWED);
	r.lines[0] = STR("content-type");
	r.origin = (struct str){origin, sizeof origin};
	measure("origin of 8 KiB", s, &r, REASON_ORIGIN);
}

enum { NAMES = 8000 };

/* A request that asks for as many names as there are, which begin and end alike
 * or not. */
static int
run_names(const char *what, const char *front, const char *back)
{
	static char list[NAMES * 48];
	char dir[] = "/tmp/preflightd-bench-XXXXXX", path[4096];
	struct policy_set *s = NULL;
	struct diag *d = diag_new();
	struct request r;
	size_t n = 0;
	FILE *f;

	if (d == NULL || mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof path, "%s/policy.ini", dir);
	f = fopen(path, "w");
	if (f == NULL)
		return 1;
	fputs("[policy names]\nallow-origins = https://o0.example.com\n"
	    "allow-methods = PUT\nallow-headers =\n", f);
	for (unsigned i = 0; i < NAMES; i++) {
		/* Letters, so that the first of them differ. */
		char word[16];
		unsigned v = i * 2654435761U;

		for (size_t k = 0; k < 7; k++, v = v / 26 + i)
			word[k] = (char)('a' + v % 26);
		snprintf(word + 7, sizeof word - 7, "%u", i);
		fprintf(f, "  %s%s%s\n", front, word, back);
		n += (size_t)snprintf(list + n, sizeof list - n, "%s%s%s,",
		    front, word, back);
	}
	if (fclose(f) == 0)
		s = conf_load(path, d, NULL);
	remove_policy(dir);
	if (s == NULL) {
		diag_print(d, stderr, false);
		return 1;
	}
	fill(&r, STR("https://o0.example.com"), (struct str){list, n});
	measure(what, s, &r, REASON_ALLOWED);
	policy_set_free(s);
	diag_free(d);
	return 0;
}

static int
run(unsigned long origins)
{
	char dir[] = "/tmp/preflightd-bench-XXXXXX", path[4096];
	struct diag *d = diag_new();
	struct policy_set *s = NULL;
	struct request r;
	double start, loaded, before = memory();

	if (d == NULL || mkdtemp(dir) == NULL ||
	    write_policy(dir, origins, path, sizeof path) != 0)
		return 1;
	start = now();
	s = conf_load(path, d, NULL);
	loaded = now() - start;
	remove_policy(dir);
	if (s == NULL) {
		diag_print(d, stderr, false);
		return 1;
	}
	printf("%lu origins: loaded in %.0f ms, %.1f MB more than before\n",
	    origins, loaded * 1e3, memory() - before);
	fill(&r, STR("https://o0.example.com"),
	    STR("authorization,content-type"));
	measure("allowed", s, &r, REASON_ALLOWED);
	r.origin = STR("https://o0.example.com.evil.com");
	measure("origin refused", s, &r, REASON_ORIGIN);
	r.nlines = 0;
	measure("refused, no headers", s, &r, REASON_ORIGIN);
	if (origins > 4096)
		measure_spread(s, origins);
	if (origins < 100)
		measure_hostile(s);
	policy_set_free(s);
	diag_free(d);
	return 0;
}

int
main(void)
{
	static const unsigned long sizes[] = {1, 10, 1000, 1000000};
	int ret = 0;

	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		int status = 0;
		fflush(stdout);
		pid_t pid = fork();
		if (pid == 0) {
			status = run(sizes[i]);
			fflush(stdout);
			_exit(status);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status != 0)
			ret = 1;
	}
	printf("%d field names, all asked for\n", NAMES);
	if (run_names("ordinary", "", "-x-customer-example") != 0 ||
	    run_names("alike", "x-customer-", "-example") != 0)
		ret = 1;
	return ret;
}
