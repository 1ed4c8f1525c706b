#!/bin/sh
# How the program was linked, seen in what was built: position-independent,
# everything relocated read-only at its start, no executable stack, guarded
# stacks, checked string functions.  Run in the build folder.
set -u
program=${PREFLIGHTD:-./preflightd}
count=0
status=0

case_that()
{
	what=$1
	shift
	count=$((count + 1))
	if "$@"; then
		echo "ok $count - $what"
	else
		status=1
		echo "not ok $count - $what"
	fi
}

finds()
{
	printf '%s\n' "$1" | grep -Eq "$2"
}

finds_not()
{
	# shellcheck disable=SC2317
	! finds "$1" "$2"
}

if ! command -v readelf >/dev/null; then
	[ -z "${CI-}" ] || printf 'not '
	echo 'ok 1 - everything here # SKIP readelf is missing'
	echo '1..1'
	exit 0
fi
header=$(readelf -hW "$program") || exit 99
segments=$(readelf -lW "$program") || exit 99
dynamic=$(readelf -dW "$program") || exit 99
symbols=$(readelf --dyn-syms -W "$program") || exit 99

case_that 'it can be loaded anywhere (PIE)' finds "$header" 'Type: *DYN'
case_that 'relocations are read-only (RELRO)' finds "$segments" GNU_RELRO
case_that 'and all done at its start (BIND_NOW)' \
    finds "$dynamic" 'BIND_NOW|FLAGS.*NOW'
case_that 'the stack is not executable' \
    finds "$segments" 'GNU_STACK( +0x[0-9a-f]+){5} +RW +'
case_that 'no segment is writable and executable' \
    finds_not "$segments" 'LOAD .* RWE '
case_that 'there is no text relocation' finds_not "$dynamic" TEXTREL
case_that 'no library is searched in a folder of the build' \
    finds_not "$dynamic" 'RPATH|RUNPATH'
case_that 'libcurl, which is most of a start, waits until it is needed' \
    finds_not "$dynamic" 'NEEDED.*libcurl'
case_that 'stacks are guarded' finds "$symbols" __stack_chk_fail
# _FORTIFY_SOURCE wants optimization and fights the sanitizers.
if finds "$symbols" '__(asan|tsan|ubsan)_' ||
    ! grep -q '^AM_CPPFLAGS.*FORTIFY_SOURCE' Makefile 2>/dev/null; then
	echo '# no checked functions: it was built with sanitizers or so asked'
else
	case_that 'functions that write are checked (_FORTIFY_SOURCE)' \
	    finds "$symbols" '__(memcpy|snprintf|vsnprintf|fprintf)_chk'
	case_that 'at level 3, where the compiler has it' \
	    grep -Eq '^AM_CPPFLAGS.*FORTIFY_SOURCE=3' Makefile
fi
echo "1..$count"
exit $status
