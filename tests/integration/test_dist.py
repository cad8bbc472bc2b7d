"""make dist: the sources, packed; and what packagers are told of them."""

import os
import re
import subprocess
import tarfile
import unittest

from lab import tap
from lab.place_case import PlaceCase
from lab.world import ROOT


@unittest.skipUnless((ROOT / ".git").exists(), "these sources are not git's")
class TheArchive(PlaceCase):
    def make(self, name, umask, zone):
        """The archive of what was committed last, made in a clone of its own."""
        clone = self.place / name
        options = {"check": True, "umask": umask, "stdin": subprocess.DEVNULL,
                   "stdout": subprocess.DEVNULL,
                   "env": {"PATH": os.environ["PATH"], "HOME": str(self.place), "TZ": zone}}
        subprocess.run(["git", "-c", "safe.directory=*", "clone", "--quiet", ROOT, clone], **options)
        subprocess.run(["make", "--silent", "-C", clone, "dist"], **options)
        archive, = clone.glob("build/*.tar.gz")
        return archive

    def test_is_the_same_wherever_and_whenever_it_is_made(self):
        one = self.make("one", 0o022, "UTC")
        other = self.make("another-place", 0o077, "Asia/Tokyo")
        self.assertEqual(one.read_bytes(), other.read_bytes())

    def test_has_all_that_git_knows_of_below_one_directory_as_root_s(self):
        with tarfile.open(self.make("one", 0o077, "UTC")) as archive:
            members = archive.getmembers()
        known = subprocess.run(["git", "-c", "safe.directory=*", "ls-tree", "-r", "--name-only",
                                "HEAD"], cwd=ROOT, check=True, capture_output=True, text=True)
        top, = {member.name.split("/")[0] for member in members}
        self.assertEqual(sorted(member.name for member in members),
                         sorted(f"{top}/{name}" for name in known.stdout.splitlines()))
        self.assertEqual({(member.uid, member.gid) for member in members}, {(0, 0)})
        self.assertEqual({oct(member.mode) for member in members if member.isfile()},
                         {"0o644", "0o755"})


def text(name):
    return (ROOT / name).read_text(encoding="utf-8")


class APackage(unittest.TestCase):
    def test_is_of_the_version_that_the_sources_are_of(self):
        version = re.search(r"(?m)^VERSION +:= (\S+)$", text("Makefile"))[1]
        self.assertIn(f"nexus-worker ({version}-", text("packaging/debian/changelog").split("\n")[0])
        self.assertRegex(text("packaging/rpm/nexus-worker.spec"), rf"(?m)^Version: +{version}$")

    def test_is_built_with_every_library_that_is_installed_for_building(self):
        libraries = re.findall(r"(?m)^build[^|]*\|library ([^|]+)\|([^|]+)\|",
                               text("packaging/install-deps"))
        self.assertGreater(len(libraries), 6)
        for library, package in libraries:
            with self.subTest(library):
                self.assertIn(f"pkgconfig({library})", text("packaging/rpm/nexus-worker.spec"))
                for name in ("packaging/debian/control", "Containerfile"):
                    self.assertRegex(text(name), rf"\s{package}[\s,]")


if __name__ == "__main__":
    tap.main()
