#!/bin/sh
# Each event has its entry in the journal's catalog, and each entry its event; events are in use.
# Reports in TAP.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/style/report
. tests/style/report

catalog=systemd/nexus-worker.catalog
ids=$(sed -n 's/.*\[EVENT_[A-Z_]*\] = "\([0-9a-f]\{32\}\)",$/\1/p' src/work/event.c)
names=$(sed -n 's/^\t\(EVENT_[A-Z_]*\),.*/\1/p' include/work/event.h | grep -vx EVENT_NONE)

tell() { # tell WHAT LINES...: the lines that are there more or less than once
	printf '%s\n' "$2" | sort >"$folder/a"
	printf '%s\n' "$3" | sort >"$folder/b"
	report "$1" "$(diff "$folder/a" "$folder/b" | grep '^[<>]' || :)"
}

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
tell 'every event has its entry in the catalog, and nothing else has' "$ids" \
	"$(sed -n 's/^-- //p' $catalog)"
tell 'every event has an identifier' "$names" \
	"$(sed -n 's/.*\[\(EVENT_[A-Z_]*\)\] = .*/\1/p' src/work/event.c)"
unused=$(for name in $names; do
	grep -rqw "$name" src --include='*.c' --exclude=event.c || echo "$name"
done)
report 'every event happens somewhere' "$unused"
wrong=$(awk '/^-- / { want = 1; id = $2; next }
	want == 1 && !/^Subject: ./ { print id ": no Subject" } { want = 0 }
	length > 100 { print FILENAME ":" FNR ": longer than 100" }' $catalog)
report 'every entry has a subject, in lines of at most 100 characters' "$wrong"
echo "1..$number"
exit $failed
