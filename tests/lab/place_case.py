"""What tests stand on that need files, and nothing that runs."""

import pathlib
import tempfile
import unittest


class PlaceCase(unittest.TestCase):
    """self.place: a directory of the test's own, which goes with it."""

    def setUp(self):
        place = tempfile.TemporaryDirectory(prefix="nexus-")
        self.addCleanup(place.cleanup)
        self.place = pathlib.Path(place.name)
