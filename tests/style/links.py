#!/usr/bin/python3
"""Every link of the documentation leads somewhere: to a file of the tree, and to a heading in it; and
every picture is there.

Links to other sites are not followed. Reports in TAP.
"""

import pathlib
import re
import sys

from lab.headings import anchors, without_code

ROOT = pathlib.Path(__file__).parents[2]
LINK = re.compile(r'(?:\[[^\]]*\]\(|<img src=")([^)"\s]+)')


def wrong(page):
    """The links of that page that lead nowhere."""
    for target in LINK.findall(without_code(page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        path = (page.parent / file).resolve() if file else page
        if not path.exists() or (anchor and anchor not in anchors(path.read_text(encoding="utf-8"))):
            yield target


def main():
    n_failed = 0
    pages = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
    for number, page in enumerate(pages, 1):
        targets = list(wrong(page))
        n_failed += bool(targets)
        print(f"{'not ok' if targets else 'ok'} {number} - "
              f"the links of {page.relative_to(ROOT)} lead somewhere")
        for target in targets:
            print(f"# {target}")
    print(f"1..{len(pages)}")
    return 1 if n_failed else 0


if __name__ == "__main__":
    sys.exit(main())
