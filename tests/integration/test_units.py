"""The units, as systemd-analyze sees them; tests/system starts them."""

import os
import pathlib
import re
import shlex
import shutil
import subprocess
import unittest

from lab import tap
from lab.place_case import PlaceCase
from lab.world import ROOT

UNITS = ROOT / "systemd"
BUILT = pathlib.Path(os.environ.get("NEXUS_BUILD", ROOT / "build")) / "systemd"
DROP_INS = sorted((UNITS / "nexus-worker.service.d").glob("*.conf"))
# In tenths, of 10.
EXPOSURE_MAX = 15


def analyze(*words):
    """systemd-analyze's exit status and all that it said."""
    done = subprocess.run(["systemd-analyze", *map(str, words)], check=False, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def version():
    return int(re.match(r"systemd (\d+)", analyze("--version")[1])[1])


@unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not installed")
class AUnit(PlaceCase):
    def setUp(self):
        super().setUp()
        self.workers = [self.put(UNITS / "nexus-worker.service"),
                        self.put(BUILT / "nexus-worker@.service")]
        self.services = [*self.workers, self.put(UNITS / "nexus-reconcile.service")]
        self.units = [*self.services, self.put(UNITS / "nexus-reconcile.timer")]

    def put(self, unit):
        """In a directory of the test's own, with a program that is there."""
        text = re.sub("=/usr/bin/nexus.*", "=/bin/true", unit.read_text(encoding="utf-8"))
        path = self.place / unit.name.replace("@", "@one")
        path.write_text(text, encoding="utf-8")
        return path

    def assert_understood(self, unit):
        status, said = analyze("verify", "--recursive-errors=one", "--man=no", unit)
        self.assertEqual((status, said), (0, ""))

    def test_is_understood_in_every_line(self):
        for unit in self.units:
            with self.subTest(unit.name):
                self.assert_understood(unit)

    def test_is_understood_with_each_drop_in_that_this_systemd_is_new_enough_for(self):
        for unit in self.workers:
            place = unit.with_name(unit.name + ".d")
            for drop_in in DROP_INS:
                needs = re.search(r"For systemd (\d+) or later", drop_in.read_text("utf-8"))
                if needs and int(needs[1]) > version():
                    continue
                with self.subTest(drop_in.name, unit=unit.name):
                    place.mkdir()
                    shutil.copy(drop_in, place)
                    self.assert_understood(unit)
                    shutil.rmtree(place)

    def test_shares_no_directory_with_another_instance(self):
        instance = self.workers[1].read_text(encoding="utf-8")
        directories = re.findall(r"^\w+Directory=(.*)$", instance, re.MULTILINE)
        self.assertEqual(directories, ["nexus-worker-%i", "nexus-worker-%i"])

    def test_has_a_user_whose_home_is_nothing_that_jobs_write(self):
        """Or they could leave certificates there, for libpq to take for the daemon's."""
        said = (UNITS / "nexus-worker.sysusers").read_text("utf-8")
        user, = (shlex.split(line) for line in said.splitlines() if not line.startswith("#"))
        self.assertEqual(user[:2] + user[4:], ["u", "nexus-worker", "-"])

    def test_leaves_open_only_what_it_says(self):
        for unit in self.services:
            with self.subTest(unit.name):
                status, said = analyze("security", "--offline=true",
                                       f"--threshold={EXPOSURE_MAX}", unit)
                self.assertEqual(status, 0, said)


if __name__ == "__main__":
    tap.main()
