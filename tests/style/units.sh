#!/bin/sh
# systemd finds nothing wrong with our units, and little that our services may still do. In TAP.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/style/report
. tests/style/report

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

check() { # check WHAT COMMAND...
	what=$1
	shift
	if said=$("$@" 2>&1); then
		said=
	else
		said=${said:-$1 fails}
	fi
	report "$what" "$said"
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
echo "1..$number"
exit $failed
