#!/bin/sh
# Each fuzz target takes its seeds and what once broke it: one case a target.
# Run in the build folder.
set -u
here=$(cd "$(dirname "$0")" && pwd)
count=0
failed=0

inputs()
{
	find "$here/$1.in" "$here" -path "$here/$1.*/*" -type f | sort -u
}

for target in conf conn curl decision field origin target url; do
	count=$((count + 1))
	if output=$(inputs "$target" | xargs "tests/fuzz/$target" 2>&1); then
		echo "ok $count - $target takes its seeds and past findings"
	else
		failed=1
		echo "not ok $count - $target takes its seeds and past findings"
		printf '%s\n' "$output" | tail -n 40 | sed 's/^/# /'
	fi
done
echo "1..$count"
exit $failed
