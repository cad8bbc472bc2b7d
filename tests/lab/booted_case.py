"""What tests/system stands on: each Debian, booted, with the package that was made on it.

A file that says `from lab.booted_case import BootedCase, on_each_debian, setUpModule, tearDownModule`
has them.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

from lab.booted import Booted
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.daemon import settings_text
from lab.sqs import KEY_ID, REGION, SECRET

SUITES = {"Debian12": "bookworm", "Debian13": "trixie"}
TOOLCHAIN = ("build-essential", "clang", "debhelper", "lintian", "check", "pkgconf", "postgresql",
             "python3", "libarchive-dev", "libcurl4-openssl-dev", "libexpat1-dev", "libjansson-dev",
             "libmicrohttpd-dev", "libpq-dev", "libssl-dev", "libsystemd-dev")
SERVICE = "nexus-worker.service"
SETTINGS = "/etc/nexus-worker"
DROP_INS = "/usr/share/doc/nexus-worker/nexus-worker.service.d"
MAKE_SECONDS = 1800


def on_each_debian(case):
    """A class of tests becomes one for each Debian; its suite says which."""
    module = sys.modules[case.__module__]
    for name, suite in SUITES.items():
        setattr(module, f"{case.__name__}On{name}",
                type(f"{case.__name__}On{name}", (case,),
                     {"suite": suite, "__module__": case.__module__}))


def archive():
    """The sources, as make dist has packed them."""
    return pathlib.Path(os.environ["NEXUS_DIST"])


def make_package(lab, suite):
    """Where the packages of these sources are that this Debian has made; without the unit tests,
    which a test of its own runs."""
    source = archive()
    key = hashlib.sha256(source.read_bytes()).hexdigest()[:16]
    place = lab.build / "booted" / suite
    place.mkdir(parents=True, exist_ok=True)
    with open(place / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / key).exists():
            for older in place.glob("*/"):
                shutil.rmtree(older)
            maker = Booted(lab, suite, TOOLCHAIN)
            try:
                maker.put(source, f"/root/{source.name}")
                maker.shell(f"""
                    tar xf /root/{source.name} -C /root
                    DEB_BUILD_OPTIONS=nocheck /root/*/packaging/make-deb /root/{source.name} /root/deb
                """, within=MAKE_SECONDS)
                maker.fetch("/root/deb", place / "new")
            finally:
                maker.close()
            (place / "new").rename(place / key)
    return place / key


class BootedCase(Case):
    """suite: see on_each_debian."""

    suite = None
    visibility = 20

    def boot(self, packages=()):
        host = Booted(self.lab, self.suite, packages)
        self.addCleanup(host.close)
        return host

    def package(self):
        package, = make_package(self.lab, self.suite).glob("nexus-worker_*.deb")
        return package

    def depends(self):
        """What the package depends on, as apt-get satisfy takes it."""
        return subprocess.run(["dpkg-deb", "--field", self.package(), "Depends"], check=True,
                              capture_output=True, text=True).stdout.strip()

    def install(self, host):
        """The package, and what it depends on. Returns what apt said."""
        host.put(self.package(), "/root/nexus-worker.deb")
        return host.do("apt-get", "-y", "--no-install-recommends", "install",
                       "/root/nexus-worker.deb")

    def upgrade(self, host):
        """To the same programs by the name of a later version; what apt said."""
        host.shell("""
            rm -rf /root/later
            dpkg-deb --raw-extract /root/nexus-worker.deb /root/later
            sed -i 's/^Version: .*/&+later/' /root/later/DEBIAN/control
            dpkg-deb --build /root/later /root/later.deb
        """)
        return host.do("apt-get", "-y", "install", "/root/later.deb")

    def configure(self, host, settings=None, name="nexus-worker", queue=None, database=None):
        """Of all files it writes those in /etc/nexus-worker that an administrator does."""
        queue = queue or self.queue
        host.write(f"{SETTINGS}/{name}.conf", settings_text({
            "queue.url": queue.url, "queue.region": REGION, "queue.endpoint": self.sqs.endpoint,
            **(settings or {})}))
        host.write(f"{SETTINGS}/database-url", (database or self.database).url + "\n")
        host.write(f"{SETTINGS}/aws/credentials",
                   f"[default]\naws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n")

    def serve(self, settings=None, packages=()):
        """A host where the service runs, ready, and has said that it is."""
        host = self.boot(packages)
        self.install(host)
        self.configure(host, settings)
        self.start_service(host)
        return host

    @staticmethod
    def start_service(host, unit=SERVICE):
        host.do("systemctl", "start", unit)

    @staticmethod
    def drop_in(host, *names, unit=SERVICE):
        """Those that the package brings, made active as its documentation says."""
        host.do("install", "-d", f"/etc/systemd/system/{unit}.d")
        for name in names:
            host.do("cp", f"{DROP_INS}/{name}", f"/etc/systemd/system/{unit}.d/")
        host.do("systemctl", "daemon-reload")
        host.do("systemctl", "restart", unit)

    @staticmethod
    def of(host, name, unit=SERVICE):
        """A property of the unit."""
        return host.do("systemctl", "show", "--value", f"--property={name}", unit)
