"""The sources, as they are packed, on each Debian: packages, both compilers, unit tests."""

from lab import tap
from lab.booted_case import (MAKE_SECONDS, TOOLCHAIN, BootedCase, archive, make_package,
                             on_each_debian, setUpModule, tearDownModule)  # noqa: F401


@on_each_debian
class TheSources(BootedCase):
    def unpack(self):
        host = self.boot(TOOLCHAIN)
        host.put(archive(), "/root/sources.tar.gz")
        host.shell("mkdir /root/sources; tar xf /root/sources.tar.gz -C /root/sources --strip 1")
        return host

    def test_pass_their_unit_tests_as_gcc_builds_them(self):
        self.assert_builds("gcc")

    def test_pass_their_unit_tests_as_clang_builds_them(self):
        self.assert_builds("clang")

    def assert_builds(self, compiler):
        said = self.unpack().do("make", "-C", "/root/sources", "-j2", f"CC={compiler}", "unit",
                                within=MAKE_SECONDS)
        self.assertRegex(said, r"(?m)^[1-9]\d* passed, 0 failed$")

    def test_make_packages_that_lintian_finds_nothing_in(self):
        host = self.boot(TOOLCHAIN)
        for file in make_package(self.lab, self.suite).iterdir():
            host.put(file, f"/root/deb/{file.name}")
        names = host.shell("ls /root/deb/*.deb").split()
        self.assertEqual([name.split("_")[0] for name in names],
                         ["/root/deb/nexus-worker-dbgsym", "/root/deb/nexus-worker"])
        said = host.say("sh", "-c", "lintian --allow-root --profile debian /root/deb/*.changes")
        self.assertEqual(said, "")


if __name__ == "__main__":
    tap.main()
