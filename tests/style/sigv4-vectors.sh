#!/bin/sh
# The committed SigV4 vectors are, byte for byte, what their generator makes: nobody has "corrected"
# one, and botocore still signs as it did.
set -eu
cd "$(dirname "$0")/../data/sigv4"
what="the SigV4 vectors are what botocore makes of their generator"

if ! /usr/bin/python3 -c 'import botocore' 2>/dev/null; then
	echo "ok 1 - $what # SKIP python3-botocore is not installed"
	exit 0
fi

made=$(./gen_sigv4_vectors.py | sha256sum)
kept=$(gzip -dc vectors.jsonl.gz | sha256sum)
if [ "$made" != "$kept" ]; then
	echo "not ok 1 - $what"
	exit 1
fi
echo "ok 1 - $what"
