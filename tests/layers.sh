#!/bin/sh
# The folders of src/, seen by the linker: a library refers to nothing that one
# defines which it may not use, by the table of src/README.md.  What judges
# policies knows no sockets, clocks, environment or threads, and what answers a
# request neither allocates nor prints.  Run in the build folder.
set -u
top=$(cd "$(dirname "$0")/.." && pwd)
memory='malloc|calloc|realloc|reallocarray|free|strdup|strndup|mmap|brk|sbrk'
stdio='f?puts|f?putc|putchar|f(open|dopen|close|read|write|flush|getc|gets)'
stdio="$stdio"'|getline|(__)?v?[fd]?printf(_chk)?|perror|std(in|out|err)'
format='(__)?v?(s|sn|as)printf(_chk)?'
files='open|openat|read|write|close|unlink|rename|f?stat|l?stat'
clocks='time|clock|clock_gettime|gettimeofday|localtime(_r)?|gmtime(_r)?|strftime'
clocks="$clocks"'|(nano|u)?sleep|alarm|timer_[a-z]+|clock_us'
environ='(secure_)?getenv|setenv|putenv|unsetenv|environ|setlocale'
sockets='socket|socketpair|bind|listen|accept4?|connect|send(to|msg)?'
sockets="$sockets"'|recv(from|msg)?|poll|select|epoll_[a-z0-9]+|getaddrinfo'
threads='pthread_[a-z_]+|fork|vfork|exec[a-z]+|system|popen|kill|raise|signal'
threads="$threads"'|sigaction|abort|exit|_exit'
outside="$clocks|$environ|$sockets|$threads|syslog|FCGX_[A-Za-z_]+"

count=0
failed=0

# result FOUND DESCRIPTION: ok where nothing was found.
result() {
	count=$((count + 1))
	if [ -z "$1" ]; then
		echo "ok $count - $2"
	else
		failed=1
		echo "not ok $count - $2"
		printf '%s\n' "$1" | sed 's/^/# /'
	fi
}

library() {
	echo "src/$1/lib$1.a"
}

# undefined FOLDER [FILE]: what the folder, or one file of it, refers to.
undefined() {
	nm -A -u "$(library "$1")" 2>&1 |
	    sed -n "/[:-]${2-[a-z0-9_]*}\\.o:/s/.* U //p" | sed 's/@.*//' | sort -u
}

defined() {
	nm -g --defined-only "$(library "$1")" 2>&1 |
	    sed -n 's/^[0-9a-f]* [A-TV-Z] //p' | sort -u
}

case_none() {
	what=$1 pattern=$2
	shift 2
	refers=$(undefined "$@")
	if [ -z "$refers" ]; then
		result "nothing is referred to" "$what"
	else
		result "$(printf '%s\n' "$refers" | grep -Ex "$pattern")" "$what"
	fi
}

# A pattern that finds nothing anywhere would pass everything: each finds what
# others do use.
case_some() {
	what=$1 pattern=$2
	shift 2
	if undefined "$@" | grep -Exq "$pattern"; then
		result '' "the pattern for $what finds it where it is"
	else
		result 'not found' "the pattern for $what finds it where it is"
	fi
}

# forbidden FOLDER FOLDERS...: what the first refers to that the others define.
forbidden() {
	undefined "$1" >"$private/undefined"
	shift
	for other; do
		defined "$other" >"$private/defined"
		comm -12 "$private/undefined" "$private/defined" |
		    sed "s/\$/ of $other/"
	done
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
private=$(mktemp -d) || exit 99
trap 'rm -rf "$private"' EXIT
export LC_ALL=C

# "folder may use": the table's first and last columns, all but the program's.
# shellcheck disable=SC2016
sed -n 's/^| `\([a-z]*\)\/` |.*| \([a-z -]*\) |$/\1 \2/p' "$top/src/README.md" |
    grep -v ' all$' >"$private/table"
folders=$(sed 's/ .*//' "$private/table")
for folder in $folders; do
	may=" $(grep "^$folder " "$private/table") "
	others=
	for other in $folders; do
		case $may in
		*" $other "*) ;;
		*) others="$others $other" ;;
		esac
	done
	# shellcheck disable=SC2086
	result "$(forbidden "$folder" $others)" \
	    "$folder refers to nothing of a folder that it may not use"
done
found=$(forbidden serve base)
result "$([ -n "$found" ] || echo nothing)" \
    'what a library refers to in another is found'

for folder in core browser conf diff export; do
	case_none "$folder knows no sockets, clocks, environment or threads" \
	    "$outside" "$folder"
done
for folder in core browser; do
	case_none "$folder neither prints nor reads files" "$stdio|$files" \
	    "$folder"
done
for name in preflight response target request origin origin_set_search; do
	case_none "core/$name neither allocates nor prints nor reads" \
	    "$memory|$stdio|$format|$files|$outside" core "$name"
done

case_some memory "$memory" base arena
case_some stdio "$stdio" conf
case_some formats "$format" conf
case_some files "$files" serve
case_some clocks "$clocks" base clock
case_some 'the environment' "$environ" serve listen
case_some sockets "$sockets" serve worker
case_some threads "$threads" serve server
echo "1..$count"
exit $failed
