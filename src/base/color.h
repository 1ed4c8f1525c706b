/* color.h - when and how a command colours what it prints, as compilers and git
 * do. */
#ifndef PREFLIGHTD_BASE_COLOR_H
#define PREFLIGHTD_BASE_COLOR_H

#include <stdbool.h>
#include <stdio.h>

#define COLOR_BOLD "\033[1m"
#define COLOR_ERROR "\033[1;31m"
#define COLOR_WARNING "\033[1;35m"
#define COLOR_GOOD "\033[32m"
#define COLOR_BAD "\033[31m"
#define COLOR_OFF "\033[0m"

/* Whether a stream is a terminal that shows colours, and $NO_COLOR is unset or
 * empty. */
bool color_wanted(FILE *to);

/* The sequence, or nothing. */
static inline const char *
color(bool wanted, const char *sequence)
{
	return wanted ? sequence : "";
}

#endif
