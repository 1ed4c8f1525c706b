#!/bin/sh
# Style that a tool can judge: shell scripts, manual pages, white space.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top" || exit 99
count=0
status=0

# Runs a command as one case; what it prints is shown where it fails.
try()
{
	what=$1
	shift
	count=$((count + 1))
	if output=$("$@" 2>&1); then
		echo "ok $count - $what"
	else
		status=1
		echo "not ok $count - $what"
		printf '%s\n' "$output" | sed 's/^/# /'
	fi
}

# The same with a tool that may be missing; a failure where CI is set.
try_with()
{
	if command -v "$1" >/dev/null 2>&1; then
		shift
		try "$@"
		return
	fi
	count=$((count + 1))
	if [ -n "${CI-}" ]; then
		status=1
		echo "not ok $count - $2"
		echo "# $1 is missing, and CI is set"
	else
		echo "ok $count - $2 # SKIP $1 is missing"
	fi
}

# Succeeds where awk prints nothing.
awk_finds_nothing()
{
	found=$(awk "$@") || return
	[ -z "$found" ] || { printf '%s\n' "$found"; return 1; }
}

for script in scripts/* .ci/run tests/*.sh tests/run-* tests/fuzz/run \
    tests/fuzz/*.sh etc/completion/preflightd etc/debian/*.postinst \
    etc/debian/tests/nginx \
    etc/debian/tests/service; do
	try_with shellcheck "shellcheck $script" \
	    shellcheck -e SC2317 "$script"
done
for page in src/man/*.[1-8]; do
	try_with mandoc "mandoc $page" mandoc -Tlint -Wwarning "$page"
done
try_with luac 'luac src/export/lighttpd.lua' luac -p src/export/lighttpd.lua
# shellcheck disable=SC2016,SC2046
try 'no line ends in white space' \
    awk_finds_nothing '/[ \t\r]$/ { print FILENAME ":" FNR ": " $0 }' \
    configure.ac Makefile.am README.md NEWS src/*/*.[ch1-8] src/*/*.lua src/README.md \
    .github/* etc/*.* etc/apache/* etc/caddy/* etc/completion/* etc/h2o/* etc/haproxy/* \
    etc/lighttpd/* etc/nginx/* etc/logrotate etc/demo/* etc/Containerfile etc/debian/*.* etc/debian/rules \
    etc/debian/tests/* etc/kubernetes/* scripts/* \
    $(find tests -maxdepth 2 -name '*.*' -type f ! -name '*.pyc')
echo "1..$count"
exit $status
