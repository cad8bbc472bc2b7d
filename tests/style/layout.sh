#!/bin/sh
# The C sources are laid out as .clang-format has it. Reports in TAP.
set -eu
cd "$(dirname "$0")/../.."

echo 1..1
if ! command -v clang-format >/dev/null; then
	echo 'not run: clang-format over the sources, for it is not installed'
	exit
fi
if wrong=$(clang-format --dry-run -Werror src/*.c src/*/*.c include/*/*.h tests/*/*.[ch] 2>&1); then
	echo 'ok 1 - the layout is as make format makes it'
else
	echo 'not ok 1 - the layout is as make format makes it'
	printf '%s\n' "$wrong" | grep 'error:' | sed 's/^/# /'
	exit 1
fi
