"""Amazon Linux' package, as make rpm has made it: what rpmlint says, what is in it, what it leaves."""

import os
import pathlib
import re
import stat
import subprocess
import unittest

from lab import tap
from lab.place_case import PlaceCase
from lab.world import ROOT

PACKAGES = pathlib.Path(os.environ["NEXUS_RPM"])
SPEC = ROOT / "packaging/rpm/nexus-worker.spec"
SETTINGS = "/etc/nexus-worker"
CONF = f"{SETTINGS}/nexus-worker.conf"
OURS = {SETTINGS: (0o40750, "root:nexus-worker"), f"{SETTINGS}/aws": (0o40750, "root:nexus-worker"),
        CONF: (0o100640, "root:nexus-worker")}

# Who is known in the empty root that the package is installed into.
PASSWD = "root:x:0:0::/root:/bin/sh\nnexus-worker:x:990:990::/:/usr/sbin/nologin\n"
GROUP = "root:x:0:\nnexus-worker:x:990:\n"

# Amazon's macros, each reduced to its name. In their stead stands what they were given.
MACROS = {"systemd_post": "post", "systemd_preun": "preun", "systemd_postun_with_restart": "restart",
          "sysusers_create_compat": "users", "tmpfiles_create": "directories"}


def run(*words, status=0):
    """What it says, once it has ended with that status."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    if done.returncode != status:
        raise AssertionError(f"{words}: status {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def package():
    found, = PACKAGES.glob("nexus-worker-[0-9]*64.rpm")
    return found


def unpacked(path):
    """Pages are packed by who has the macros for it."""
    return re.sub(r"(/man/.*)\.(gz|xz|zst)$", r"\1", path)


class ThePackage(PlaceCase):
    maxDiff = None

    def query(self, *tags):
        """For each of its files the values of those tags."""
        form = "[%{FILENAMES}" + "".join(rf"\t%{{{tag}}}" for tag in tags) + r"\n]"
        lines = run("rpm", "--query", "--queryformat", form, "--package", package()).splitlines()
        return {unpacked(path): values for path, *values in (line.split("\t") for line in lines)
                if not path.startswith("/usr/lib/.build-id")}

    def installed(self):
        """The same from make install: the mode and the target of each file and each directory of ours."""
        root = self.place / "install"
        run("make", "--silent", "-C", ROOT, "install", "PREFIX=/usr", f"DESTDIR={root}",
            f"BUILD={PACKAGES.parent}")
        return {f"/{path.relative_to(root)}": (path.lstat().st_mode,
                                               os.readlink(path) if path.is_symlink() else "")
                for path in root.rglob("*") if not path.is_dir() or "/nexus-worker" in str(path)}

    def test_has_nothing_that_rpmlint_complains_about(self):
        self.assertIn(" 0 errors, 0 warnings,", run(
            "rpmlint", "--rpmlintrc", ROOT / "packaging/rpm/nexus-worker.rpmlintrc",
            *PACKAGES.glob("*.rpm")))

    def test_has_all_that_make_install_installs_and_etc_nexus_worker(self):
        there = {path: (int(mode), f"{user}:{group}", target) for path, (mode, user, group, target)
                 in self.query("FILEMODES", "FILEUSERNAME", "FILEGROUPNAME", "FILELINKTOS").items()}
        expected = {path: (mode, "root:root", target)
                    for path, (mode, target) in self.installed().items()}
        expected.update({path: (*values, "") for path, values in OURS.items()})
        papers = re.compile("/usr/share/(doc|licenses)/")
        self.assertEqual({path: values for path, values in there.items() if not papers.match(path)},
                         {path: values for path, values in expected.items() if not papers.match(path)})

        def texts(paths):
            return {re.sub(".*/nexus-worker(-[0-9.]+)?/", "", path) for path in paths
                    if papers.match(path) and not stat.S_ISDIR(there.get(path, expected.get(path))[0])}
        self.assertEqual(texts(expected) - texts(there), {"CONTRIBUTING.md", "nexus-worker.conf"})

    def test_keeps_settings_and_knows_texts_from_programs(self):
        flags = {path: flag for path, (flag,) in self.query("FILEFLAGS:fflags").items()}
        self.assertEqual({path for path, flag in flags.items() if "c" in flag}, {CONF})
        self.assertEqual(flags[CONF], "cn")
        for path, flag in flags.items():
            if re.search(r"/share/doc/.*\.(md|svg|conf)$|/man/", path):
                self.assertEqual(flag, "d", path)

    @unittest.skipUnless(os.geteuid() == 0, "only root installs packages")
    def test_is_installed_verified_and_erased_but_for_settings_that_were_changed(self):
        root = self.place / "root"
        (root / "etc").mkdir(parents=True)
        (root / "etc/passwd").write_text(PASSWD)
        (root / "etc/group").write_text(GROUP)
        before = self.everything(root)

        def rpm(*words, status=0):
            return run("rpm", "--root", root, "--dbpath", "/var/lib/rpm", *words, status=status)
        verify = ("--verify", "--nodeps", "--noscripts", "nexus-worker")
        rpm("--install", "--nodeps", "--noscripts", package())
        self.assertEqual(rpm(*verify), "")
        conf = root / CONF[1:]
        self.assertEqual((conf.stat().st_mode, conf.stat().st_gid), (OURS[CONF][0], 990))

        with open(conf, "a", encoding="utf-8") as file:
            file.write("[worker]\nconcurrency = 3\n")
        self.assertRegex(rpm(*verify, status=1), rf"\AS\.5\S+ +c {CONF}\n\Z")
        rpm("--erase", "--noscripts", "nexus-worker")
        self.assertEqual(self.everything(root) - before, {SETTINGS[1:], f"{CONF[1:]}.rpmsave"})

    @staticmethod
    def everything(root):
        """All but rpm's own, and the directories that are no more the package's than other packages'."""
        there = {str(path.relative_to(root)): path for path in root.rglob("*")}
        return {name for name, path in there.items() if not name.startswith("var/lib/rpm")
                and ("nexus" in name or not path.is_dir())}

    def test_has_scripts_for_what_debian_s_package_has_scripts_for(self):
        defined = [word for name, said in MACROS.items()
                   for word in ("--define", f"{name}() {said} %*")]
        text = run("rpmspec", "--parse", "--define", f"_sourcedir {ROOT}/systemd", *defined, SPEC)
        scripts = dict(re.findall(r"(?ms)^%(pre|post|preun|postun)\n(.*?)\n\n", text))
        instances = scripts["preun"].partition("\n")[2]
        self.assertIn("systemctl stop 'nexus-worker@*.service'", instances)
        self.assertIn("find /etc/systemd/system -path '*.wants/nexus-worker@*.service' -delete", instances)
        scripts["preun"] = scripts["preun"].removesuffix(f"\n{instances}")
        self.assertEqual(scripts, {
            "pre": f"users {ROOT}/systemd/nexus-worker.sysusers",
            "post": "post nexus-worker.service nexus-reconcile.timer\ndirectories nexus-worker.conf",
            "preun": "preun nexus-worker.service nexus-reconcile.timer",
            "postun": "restart nexus-worker.service nexus-worker@*.service nexus-reconcile.timer"})


if __name__ == "__main__":
    tap.main()
