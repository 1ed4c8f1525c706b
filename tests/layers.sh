#!/bin/sh
# The cut between core and shell, seen by the linker: the core knows no sockets,
# clocks, environment or threads, and what answers a request neither allocates
# nor prints.  Run in the build folder.
set -u
memory='malloc|calloc|realloc|reallocarray|free|strdup|strndup|mmap|brk|sbrk'
stdio='f?puts|f?putc|putchar|f(open|dopen|close|read|write|flush|getc|gets)'
stdio="$stdio"'|getline|(__)?v?(f|s|sn|as|d)?printf(_chk)?|perror|std(in|out|err)'
files='open|openat|read|write|close|unlink|rename|f?stat|l?stat'
clocks='time|clock|clock_gettime|gettimeofday|localtime(_r)?|gmtime(_r)?|strftime'
clocks="$clocks"'|(nano|u)?sleep|alarm|timer_[a-z]+'
environ='(secure_)?getenv|setenv|putenv|unsetenv|environ|setlocale'
sockets='socket|socketpair|bind|listen|accept4?|connect|send(to|msg)?'
sockets="$sockets"'|recv(from|msg)?|poll|select|epoll_[a-z0-9]+|getaddrinfo'
threads='pthread_[a-z_]+|fork|vfork|exec[a-z]+|system|popen|kill|raise|signal'
threads="$threads"'|sigaction|abort|exit|_exit'
shell='FCGX_[A-Za-z_]+|log_[a-z_]+|clock_us|crowd_[a-z_]+|handover_[a-z_]+'
shell="$shell"'|server_[a-z_]+|worker_[a-z_]+|syslog'

count=0
failed=0

# case_none DESCRIPTION PATTERN OBJECTS...
case_none() {
	what=$1 pattern=$2
	shift 2
	count=$((count + 1))
	if ! symbols=$(nm -u "$@" 2>&1); then
		found="nm: $symbols"
	else
		found=$(printf '%s\n' "$symbols" | sed -n 's/^ *U //p' |
		    sed 's/@.*//' | grep -Ex "$pattern" | sort -u)
	fi
	if [ -z "$found" ]; then
		echo "ok $count - $what"
	else
		failed=1
		echo "not ok $count - $what"
		printf '%s\n' "$found" | sed 's/^/# /'
	fi
}

member() {
	ls src/libcore_a-"$1".o
}

if ! command -v nm >/dev/null; then
	if [ -n "${CI-}" ]; then
		echo 'not ok 1 - nm is missing, and CI is set'
	else
		echo 'ok 1 - everything here # SKIP nm is missing'
	fi
	echo '1..1'
	exit 0
fi

case_none 'the core knows no sockets, clocks, environment, threads or shell' \
    "$clocks|$environ|$sockets|$threads|$shell" libcore.a
for name in preflight reply target path request origin originset_near; do
	case_none "$name.o neither allocates nor prints nor reads" \
	    "$memory|$stdio|$files|$clocks|$environ|$sockets|$threads|$shell" \
	    "$(member "$name")"
done

# A pattern that finds nothing anywhere would pass everything: each finds what
# the shell, or the core's loader, does use.
# case_some WHAT PATTERN OBJECTS...
case_some() {
	what=$1 pattern=$2
	shift 2
	count=$((count + 1))
	if nm -u "$@" | sed -n 's/^ *U //p' | sed 's/@.*//' |
	    grep -Exq "$pattern"; then
		echo "ok $count - the pattern for $what finds it where it is"
	else
		failed=1
		echo "not ok $count - the pattern for $what finds nothing"
	fi
}
case_some memory "$memory" libcore.a
case_some stdio "$stdio" libcore.a
case_some files "$files" libcore.a
case_some clocks "$clocks" src/preflightd-clock.o
case_some 'the environment' "$environ" src/preflightd-cmd.o
case_some sockets "$sockets" src/preflightd-worker.o
case_some threads "$threads" src/preflightd-server.o
case_some 'the shell' "$shell" src/preflightd-conn.o
echo "1..$count"
exit $failed
