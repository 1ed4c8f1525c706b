#!/bin/sh
# What other readers of C find: clang's warnings, clang-tidy and cppcheck, over
# all of src/.  Not part of check, since it takes a minute; `make static` and
# scripts/test run it.  Usage: static.sh COMPILER-FLAGS...  in the build folder.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
status=0
count=0

warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion
-Wstrict-prototypes -Wmissing-prototypes -Wmissing-variable-declarations
-Wcast-qual -Wcast-align -Wpointer-arith -Wformat=2 -Wnull-dereference -Wundef
-Wvla -Wdouble-promotion -Wimplicit-fallthrough -Wcomma -Wloop-analysis
-Wunreachable-code-aggressive
-Wassign-enum -Wshift-sign-overflow -Wthread-safety -Werror'

# Runs a tool as one case over all sources, those of a processor each at a time.
try()
{
	what=$1 tool=$2
	shift 2
	count=$((count + 1))
	if ! command -v "$tool" >/dev/null 2>&1; then
		[ -z "${CI-}" ] || { status=1; printf 'not '; }
		echo "ok $count - $what # SKIP $tool is missing"
	elif output=$(printf '%s\n' "$top"/src/*/*.c | xargs -P 2 -n 12 "$@" 2>&1)
	then
		echo "ok $count - $what"
	else
		status=1
		echo "not ok $count - $what"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
}

# clang-tidy takes its files first and the compiler's flags after them.
tidy()
{
	# shellcheck disable=SC2016
	try 'clang-tidy has no findings' clang-tidy \
	    sh -c 'n=$1; shift; flags=; i=0
	    while [ $i -lt "$n" ]; do flags="$flags $1"; shift; i=$((i + 1)); done
	    exec clang-tidy --quiet "$@" -- $flags 2>/dev/null' sh "$#" "$@"
}

# shellcheck disable=SC2086
try 'clang has no warnings' clang clang -fsyntax-only $warnings "$@"
tidy "$@"
# Left out: NULL for '...' of a function that has a prototype's attributes; what
# it takes for uninitialized or null, as it knows neither results that say
# whether something was set nor two conditions that go together.
try 'cppcheck has no findings' cppcheck cppcheck --quiet --error-exitcode=1 \
    --enable=warning,performance,portability --inline-suppr --std=c11 \
    --suppress=varFuncNullUB --suppress=uninitvar --suppress=legacyUninitvar \
    --suppress=ctuuninitvar --suppress=ctunullpointer \
    --suppress=nullPointerRedundantCheck -DHAVE_CONFIG_H -I"$top/src"
echo "1..$count"
exit $status
