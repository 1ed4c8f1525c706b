#include "config.h"

#include "base/clock.h"

#include <string.h>
#include <time.h>

int64_t
clock_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

const char *
clock_text(char *out, int64_t t)
{
	time_t seconds = (time_t)t;
	struct tm tm;

	if (t == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(out, CLOCK_TEXT, "%FT%TZ", &tm) == 0)
		memcpy(out, "never", sizeof "never");
	return out;
}
