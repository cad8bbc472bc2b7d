"""The headings of a document in Markdown, and what leads to them where GitHub shows it."""

import re


def without_code(text):
    text = re.sub(r"(?ms)^```.*?^```$", "", text)
    return re.sub(r"(?m)^    .*$", "", text)


def anchor(heading):
    """Lower case, blanks are dashes, what is no letter, digit or _ goes, and of a link its target."""
    shown = re.sub(r"\]\([^)]*\)", "", heading.strip())
    return re.sub(r"[^\w -]", "", shown.lower()).replace(" ", "-")


def anchors(text):
    return {anchor(match[1]) for match in re.finditer(r"(?m)^#+ +(.*)$", without_code(text))}
