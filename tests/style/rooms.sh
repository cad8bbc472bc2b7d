#!/bin/sh
# Rooms include downwards only, and only the upper ones write to the log. Reports in TAP.
set -eu
cd "$(dirname "$0")/../.."

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

number=0 failed=0
report() { # report VERDICT WHAT
	number=$((number + 1))
	echo "$1 $number - $2"
}

rooms=$(find src/* include/* -maxdepth 0 -type d | sed 's,.*/,,' | sort -u)
for room in $rooms; do
	allowed=$(may_include "$room")
	if [ -z "$allowed" ]; then
		report 'not ok' "$room is a room that the rule knows"
		failed=1
		continue
	fi
	pattern="#include \"($(echo "$allowed" | tr ' ' '|'))/"
	wrong=$(grep -rnE '^#include ".*/' "src/$room" "include/$room" 2>/dev/null |
		grep -vE "$pattern" || :)
	if [ -n "$wrong" ]; then
		report 'not ok' "$room includes only: $allowed"
		printf '%s\n' "$wrong" | sed 's/^/# /'
		failed=1
	else
		report ok "$room includes only: $allowed"
	fi
done

# A program's output goes into the log as it comes, from the thread that reads it: so there is one
# file more that may.
speakers=$(grep -rnE '\<log_(event|error|warning|notice|info|debug)\(' src --include='*.c' |
	grep -vE '^src/(base/log|work/|daemon/|ctl/|handler/output\.c|[^/]*\.c)' || :)
if [ -n "$speakers" ]; then
	report 'not ok' "only work, daemon, ctl and programs' output write to the log"
	printf '%s\n' "$speakers" | sed 's/^/# /'
	failed=1
else
	report ok "only work, daemon, ctl and programs' output write to the log"
fi
exit $failed
