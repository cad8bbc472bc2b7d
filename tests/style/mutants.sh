#!/bin/bash
# Each mutant still fits the sources that it breaks; whether the tests notice it is make mutants'.
cd "$(dirname "$0")/../.." || exit 1
exec "${PYTHON:-/usr/bin/python3}" tests/mutants/run --check
