#!/usr/bin/python3
"""Runs what takes long, one part after the other: make check-long [PARTS="words"]

What came of each part replaces its section of tests/LONG.md. PARTS: only the parts that have one of
these words in their names. The exit status is 1 if any part failed.
"""

import datetime
import os
import re
import subprocess
import sys
import time

from lab.world import ROOT, commit

RECORD = ROOT / "tests/LONG.md"
HEAD = """# What takes long

Written by `make check-long`, a section for each of its parts, as it last ran.
"""

# Name; what make is told; how many of its last lines are kept.
PARTS = [
    ("tests, with those that take minutes", ["check"], 1),
    ("sanitizers over everything", ["sanitize-all"], 1),
    ("fuzzers, five minutes each", ["fuzz", "FUZZ_SECONDS=300"], 1),
    ("booted systems", ["check-system"], 12),
    ("rpm", ["check-rpm"], 1),
    ("arm64", ["cross-arm64"], 1),
    ("without libmicrohttpd", ["unit", "WITHOUT_MICROHTTPD=yes", "BUILD=build/unserved"], 1),
    ("mutants", ["mutants"], 60),
    ("coverage", ["coverage"], 3),
    ("an hour of soak", ["soak", "SECONDS=3600"], 12),
]


def run(target):
    """Shows what it says; its exit status and its lines."""
    command = [os.environ.get("MAKE", "make"), "--no-print-directory", "--silent", *target]
    lines = []
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace") as child:
        for line in child.stdout:
            print(line, end="", flush=True)
            lines.append(line.rstrip())
    return child.returncode, lines


def record(name, text):
    """Puts the section in the place of the one of that name, or at the end."""
    old = RECORD.read_text(encoding="utf-8") if RECORD.exists() else HEAD
    sections = re.split(r"(?m)^(?=## )", old)
    kept = [one for one in sections if not one.startswith(f"## {name}\n")]
    order = {f"## {part}": number for number, (part, _, _) in enumerate(PARTS)}
    parts = sorted([*kept[1:], text], key=lambda one: order.get(one.split("\n")[0], len(order)))
    RECORD.write_text("\n".join(one.strip() + "\n" for one in (kept[0], *parts)), encoding="utf-8")


def main():
    words = sys.argv[1:]
    n_failed = 0
    for name, target, n_lines in PARTS:
        if words and not any(word in name for word in words):
            continue
        begun = time.monotonic()
        status, lines = run(target)
        n_failed += status != 0
        minutes = (time.monotonic() - begun) / 60
        told = [line for line in lines if not re.match(r"make(\[\d+\])?: \*\*\* ", line)]
        kept = "\n".join(told[-n_lines:]).strip("\n")
        record(name, f"""## {name}

{datetime.date.today()}, commit {commit()}, `make {" ".join(target)}`, {minutes:.0f} min: \
{"passed" if status == 0 else "FAILED"}

```
{kept}
```
""")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
