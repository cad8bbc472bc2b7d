"""What a terminal shows, as an SVG in which text stays text.

Lines come as `tmux capture-pane -e` writes them: only what changes how the text after it looks.
"""

import html
import re

COLUMN, ROW, MARGIN = 8.4, 18, 16  # of a font of 14 pixels
STYLES = """
text { font: 14px "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #d6dae0 }
rect { fill: #171b21 }
.bold { font-weight: bold; fill: #f3f5f7 } .dim { fill: #8b949e }
.red { fill: #ff7b72 } .green { fill: #6fce7c } .yellow { fill: #e3b341 } .blue { fill: #79b8ff }
.magenta { fill: #d2a8ff } .cyan { fill: #6cd3dd }
"""
CHANGE = re.compile("\033\\[([0-9;]*)m")
COLOURS = {31: "red", 32: "green", 33: "yellow", 34: "blue", 35: "magenta", 36: "cyan", 90: "dim"}
NO_COLOUR, NO_BACKGROUND = 39, 49


class _Look:
    """What is in force where the text has got to."""

    def __init__(self):
        self._bold = False
        self._colour = None

    def change(self, codes):
        for code in [int(code or 0) for code in codes.split(";")]:
            if code in (0, 1):
                self._bold = code == 1
            if code in (0, NO_COLOUR):
                self._colour = None
            elif code in (2, *COLOURS):
                self._colour = COLOURS.get(code, "dim")
            elif code not in (1, NO_BACKGROUND):
                raise ValueError(f"there is no style for {codes}")

    @property
    def classes(self):
        return " ".join(filter(None, ["bold" if self._bold else None, self._colour]))


def _runs(line, look):
    """(column, text, classes) of each part of the line that looks the same throughout."""
    column = 0
    for number, part in enumerate(CHANGE.split(line)):
        if number % 2:
            look.change(part)
        elif part:
            yield column, part, look.classes
            column += len(part)


def svg(title, lines):
    """As wide as the longest of them, and as high as they are up to the last with something in it."""
    look = _Look()
    pictured = [list(_runs(line, look)) for line in lines]
    while pictured and not pictured[-1]:
        pictured.pop()
    width = max(column + len(text) for runs in pictured for column, text, _ in runs)
    size = f'width="{width * COLUMN + 2 * MARGIN:.0f}" height="{len(pictured) * ROW + 2 * MARGIN}"'
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" {size}'
             ' xml:space="preserve" role="img">',
             f"<title>{html.escape(title)}</title>", f"<style>{STYLES}</style>",
             '<rect width="100%" height="100%" rx="8"/>']
    for number, runs in enumerate(pictured):
        spans = "".join(
            f'<tspan x="{MARGIN + column * COLUMN:.1f}"'
            + (f' class="{classes}"' if classes else "") + f">{html.escape(text, quote=False)}</tspan>"
            for column, text, classes in runs if text.strip())
        if spans:
            parts.append(f'<text y="{MARGIN + number * ROW + 13}">{spans}</text>')
    return "\n".join([*parts, "</svg>", ""])
