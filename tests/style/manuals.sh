#!/bin/sh
# The manual pages are well formed and tell of every option that --help tells of, and of no other.
# Reports in TAP.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/style/report
. tests/style/report

if command -v mandoc >/dev/null; then
	for page in man/*.[158]; do
		# That pages of other packages are not installed here is no mistake.
		report "$page is well formed" \
			"$(mandoc -Tlint "$page" | grep -v 'referenced manual not found' || :)"
	done
else
	echo 'not run: mandoc over the manual pages, for it is not installed'
fi

options_of_page() { # the long options that are the head of a list's entry
	sed -n 's/^\.It Fl \(-[a-z-]*\).*/-\1/p' "$1" | sort
}

options_of_help() {
	"$@" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
options_of_page man/nexus-worker.8 >"$folder/page"
options_of_help "$NEXUS_BUILD/nexus-worker" >"$folder/help"
report "nexus-worker's page has its options" \
	"$(diff "$folder/help" "$folder/page" | grep '^[<>]' || :)"

man/write-nexusctl "$NEXUS_BUILD/nexusctl" >"$folder/nexusctl"
report "nexusctl's page is what man/write-nexusctl makes of --help" \
	"$(diff "$folder/nexusctl" man/nexusctl.1 | head -20)"

echo "1..$number"
exit $failed
