#!/bin/sh
# The Debian packages, tried as Debian does: lintian; piuparts, which installs,
# removes and purges them in a bare system; and autopkgtest, which runs
# etc/debian/tests against the installed package in another.  Needs root and a
# mirror of Debian.
#
#   tests/package.sh FOLDER
set -eu

[ $# -eq 1 ] || { echo 'usage: tests/package.sh FOLDER' >&2; exit 2; }
[ "$(id -u)" = 0 ] || { echo 'package: run this as root' >&2; exit 2; }
top=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)
base=$folder/base.tar.gz
chroot=$folder/chroot

# Runs a step; what it prints is shown where it fails.
step()
{
	echo "== $1"
	log=$folder/$2.log
	shift 2
	if ! "$@" >"$log" 2>&1; then
		tail -n 60 "$log" >&2
		echo "package: failed; all of it is in $log" >&2
		exit 1
	fi
}

make_base()
{
	mmdebstrap --variant=minbase --components=main bookworm \
	    "$folder/new-base.tar.gz"
	mv "$folder/new-base.tar.gz" "$base"
}

# A bare system in which no service is started.
unpack_base()
{
	rm -rf "$chroot"
	mkdir "$chroot"
	tar -xf "$base" -C "$chroot"
	printf '#!/bin/sh\nexit 101\n' >"$chroot/usr/sbin/policy-rc.d"
	chmod 755 "$chroot/usr/sbin/policy-rc.d"
}

# A test that finds no systemd or cannot be isolated is skipped: exit 2.
test_installed()
{
	status=0
	autopkgtest --apt-upgrade "$folder"/*.dsc "$folder"/preflightd_*.deb \
	    -- chroot "$chroot" || status=$?
	case $status in 0|2) ;; *) return 1 ;; esac
	grep -q '^nginx *PASS' "$folder/autopkgtest.log"
}

PATH=$PATH:/usr/sbin:/sbin
echo '== scripts/deb'
"$top/scripts/deps" package
"$top/scripts/deb" "$folder"
step lintian lintian lintian --allow-root --info --fail-on error,warning \
    "$folder"/*.changes
[ -f "$base" ] || step 'a bare system' base make_base
step piuparts piuparts piuparts --basetgz "$base" --distribution bookworm \
    --allow-database --no-eatmydata "$folder"/preflightd_*.deb
step 'unpack it' unpack unpack_base
step autopkgtest autopkgtest test_installed
rm -rf "$chroot"
echo 'package: all good'
