#!/bin/sh
# Rooms include downwards only, and only the upper ones write to the log. Reports in TAP.
set -eu
cd "$(dirname "$0")/../.."
# shellcheck source=tests/style/report
. tests/style/report

may_include() {
	case $1 in
	base)    echo base ;;
	net)     echo net base ;;
	aws)     echo aws base net ;;
	job)     echo job base ;;
	conf)    echo conf base ;;
	handler) echo handler base net aws job ;;
	work)    echo work base aws job handler ;;
	daemon)  echo daemon base net aws job conf handler work ;;
	# What nexusctl does it does with the daemon's own parts, wired as the daemon wires them.
	ctl)     echo ctl base net aws job conf handler work daemon ;;
	esac
}

rooms=$(find src/* include/* -maxdepth 0 -type d | sed 's,.*/,,' | sort -u)
for room in $rooms; do
	allowed=$(may_include "$room")
	if [ -z "$allowed" ]; then
		report 'the rule knows each room' "$room"
		continue
	fi
	pattern="#include \"($(echo "$allowed" | tr ' ' '|'))/"
	wrong=$(grep -rnE '^#include ".*/' "src/$room" "include/$room" 2>/dev/null |
		grep -vE "$pattern" || :)
	report "$room includes only: $allowed" "$wrong"
done

# A program's output goes into the log as it comes, from the thread that reads it: so there is one
# file more that may.
speakers=$(grep -rnE '\<log_(event|error|warning|notice|info|debug)\(' src --include='*.c' |
	grep -vE '^src/(base/log|work/|daemon/|ctl/|handler/output\.c|[^/]*\.c)' || :)
report "only work, daemon, ctl and programs' output write to the log" "$speakers"
echo "1..$number"
exit $failed
