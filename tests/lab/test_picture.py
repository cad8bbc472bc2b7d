"""Pictures of terminals."""

import re
import unittest
import xml.etree.ElementTree

from lab import tap
from lab.picture import COLUMN, MARGIN, svg

SVG = "{http://www.w3.org/2000/svg}"


def look(*lines):
    """[(column, text, classes)] of each line that has any."""
    root = xml.etree.ElementTree.fromstring(svg("title", lines))
    return [[(round((float(span.get("x")) - MARGIN) / COLUMN), span.text, span.get("class"))
             for span in line] for line in root.iter(f"{SVG}text")]


class APicture(unittest.TestCase):
    def test_has_its_text_in_place_and_in_colour(self):
        self.assertEqual(look("\033[1ma\033[0m  b\033[31mc", "still\033[39;49m not"), [
            [(0, "a", "bold"), (1, "  b", None), (4, "c", "red")],
            [(0, "still", "red"), (5, " not", None)]])

    def test_has_any_text(self):
        self.assertEqual(look("<a> & \"b\"\033[0;1;32m✓"), [[
            (0, "<a> & \"b\"", None), (9, "✓", "bold green")]])

    def test_has_a_class_for_each_colour(self):
        text = svg("title", [f"\033[{code}mx" for code in (1, 2, *range(31, 37), 90)])
        for name in re.findall(r'class="(\w+)"', text):
            self.assertIn(f".{name} {{", text)

    def test_ends_with_the_last_text(self):
        self.assertEqual(svg("title", ["a", "", "b", "", ""]), svg("title", ["a", "", "b"]))

    def test_is_not_made_of_what_it_cannot_show(self):
        with self.assertRaisesRegex(ValueError, "no style for 38;5;185"):
            svg("title", ["\033[38;5;185mx"])


if __name__ == "__main__":
    tap.main()
