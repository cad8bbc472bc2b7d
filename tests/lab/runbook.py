"""The commands in docs/runbook.md, and below which heading each of them is."""

import collections
import re
import shlex

from lab.headings import anchor
from lab.world import ROOT

FILE = ROOT / "docs" / "runbook.md"
PROGRAMS = ("nexusctl", "nexus-worker", "journalctl", "systemctl", "aws")

# anchor: of the nearest heading above. words: as a shell parts them.
Command = collections.namedtuple("Command", "anchor words")


def commands():
    """Those in indented blocks, and those within a sentence, in their order."""
    found, here, begun = [], "", ""
    for line in FILE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            here = anchor(line.lstrip("#"))
        if begun or line.startswith("    "):
            begun += line.strip() + "\n"
            if not line.endswith("\\") and (words := _words(begun)) is not None:
                found.append(Command(here, words))
                begun = ""
        else:
            found += [Command(here, shlex.split(code)) for code in re.findall(r"`([^`]+ [^`]+)`", line)]
    return [command for command in found if command.words and command.words[0] in PROGRAMS]


def _words(text):
    """None: a quotation goes on in the next line."""
    try:
        return shlex.split(text.replace("\\\n", " "))
    except ValueError:
        return None


def of(*programs):
    return [command for command in commands() if command.words[0] in programs]
