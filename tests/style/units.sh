#!/bin/sh
# systemd finds nothing wrong with our units, and little that our services may still do. In TAP.
set -eu
cd "$(dirname "$0")/../.."

# In tenths, as systemd-analyze counts: of 100, which is everything.
EXPOSURE_MAX=15

if ! command -v systemd-analyze >/dev/null; then
	echo 'not run: units, because there is no systemd-analyze'
	exit
fi

place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
# What they run has to be there, and executable.
for unit in systemd/nexus-*.service systemd/nexus-*.timer "$NEXUS_BUILD"/systemd/nexus-*.service; do
	sed 's,=/usr/bin/nexus.*,=/bin/true,' "$unit" >"$place/${unit##*/}"
done

number=0 failed=0
check() { # check WHAT COMMAND...
	what=$1
	shift
	number=$((number + 1))
	if "$@" >"$place/said" 2>&1; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		sed 's/^/# /' "$place/said"
		failed=1
	fi
}

for unit in "$place"/nexus-*; do
	# Without the last word a key that it does not know is no error.
	check "systemd understands all of ${unit##*/}" systemd-analyze verify --man=no \
		--recursive-errors=one "$unit"
done
for unit in "$place"/nexus-*.service; do
	check "${unit##*/} may do little" systemd-analyze security --offline=true --no-pager \
		--threshold=$EXPOSURE_MAX "$unit"
done
exit $failed
