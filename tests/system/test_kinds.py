"""Jobs of every kind under the unit as it is installed, and under the drop-ins that it comes with."""

import zipfile

from lab import tap
from lab.booted_case import (SERVICE, SETTINGS, BootedCase, on_each_debian, setUpModule,  # noqa: F401
                             tearDownModule)
from lab.daemon import section

FUNCTION = """
export const handler = async ({ Records: [message] }) => {
  console.log(`hello from Node.js ${process.versions.node}`);
};
"""
SECRETS = [f"{SETTINGS}/{name}" for name in ("nexus-worker.conf", "database-url", "aws/credentials")]
# Where programs may write, and where not.
OPEN = ["/var/lib/nexus-worker/here", "/tmp/here"]
CLOSED = ["/var/lib/here", "/etc/here", "/usr/here", "/home/here"]


def programs(name, program, paths):
    """Sections NAME-0, NAME-1, ...: of a type of jobs for each path, whose program is given it."""
    return {key: value for number, path in enumerate(paths) for key, value in section(
        f"{name}-{number}", kind="command", program=program.format(path)).items()}


@on_each_debian
class AJob(BootedCase):
    visibility = 4

    def once(self, kind, status="completed", attempts=None, payload=None):
        """The row of one job of that type, once it has come to that."""
        job, = self.jobs.publish(kind, payload)
        return self.jobs.wait(job, status, 60, attempts)

    def assert_completes(self, host, kind, payload=None):
        job = self.once(kind, payload=payload)
        self.assertIn("outcome=completed", host.journal(f"--unit={SERVICE}", f"NEXUS_JOB_ID={job.id}"))

    def deploy(self, host):
        """A function for Node.js, as root does it."""
        bundle = self.lab.directory / f"{self.queue.name}.zip"
        with zipfile.ZipFile(bundle, "w") as archive:
            archive.writestr("handler.mjs", FUNCTION)
        host.put(bundle, "/root/greet.zip")
        host.do("install", "-d", "/srv/nexus-worker")
        host.do("nexusctl", "deploy", "greet", "/root/greet.zip")

    def test_of_each_kind_but_nodejs_is_done_under_the_unit_alone(self):
        application = self.lab.application()
        self.addCleanup(application.close)
        host = self.serve({**section("count-words", kind="command", program="/usr/bin/wc --words"),
                           **section("send-mail", kind="http", url=application.url)})
        for kind in ("test-echo", "count-words", "send-mail"):
            with self.subTest(kind):
                self.assert_completes(host, kind)

    def test_for_nodejs_dies_under_the_unit_alone_and_is_done_with_the_drop_in_for_it(self):
        host = self.boot(["nodejs"])
        self.install(host)
        self.configure(host, section("greet", kind="lambda", bundle="/srv/nexus-worker/greet",
                                     rows="worker"))
        self.deploy(host)
        self.start_service(host)
        self.assertIn("SIGTRAP", self.once("greet", "failed").error)
        self.drop_in(host, "node.conf")
        self.assert_completes(host, "greet")

    def test_has_a_cgroup_of_its_own_with_the_drop_in_for_it(self):
        tell = {"kind": "command", "program": "/bin/sh -c 'cat /proc/self/cgroup >&2; exit 1'"}
        host = self.serve(section("tell", **tell))
        alone = self.once("tell", "failed").error
        self.assertTrue(alone.endswith(f"/{SERVICE}"), alone)
        self.drop_in(host, "delegate.conf")
        own = self.once("tell", "failed").error
        self.assertIn(f"/{SERVICE}/", own)

    def test_cannot_read_what_is_in_etc_nexus_worker(self):
        host = self.serve(programs("spy", "/bin/cat {}", SECRETS))
        for number, secret in enumerate(SECRETS):
            with self.subTest(secret):
                # The daemon's own user could, were it not for Landlock.
                host.do("setpriv", "--reuid=nexus-worker", "--regid=nexus-worker", "--clear-groups",
                        "cat", secret)
                self.assertIn("Permission denied", self.once(f"spy-{number}", "failed").error)

    def test_writes_into_the_state_directory_and_its_own_tmp_and_nowhere_else(self):
        host = self.serve(programs("write", "/bin/sh -c 'echo done >{}'", OPEN + CLOSED))
        for number, path in enumerate(OPEN + CLOSED):
            with self.subTest(path):
                self.once(f"write-{number}", "completed" if path in OPEN else "failed")
        self.assertEqual(host.do("cat", "/var/lib/nexus-worker/here"), "done")
        self.assertNotEqual(host.status("test", "-e", "/tmp/here"), 0)


@on_each_debian
class ADropIn(BootedCase):
    def credentials(self, host):
        """Moves the secrets to where only root can read them."""
        host.shell(f"""
            install -d -m 700 /etc/credstore
            mv {SETTINGS}/database-url /etc/credstore/nexus-worker.database-url
            mv {SETTINGS}/aws/credentials /etc/credstore/nexus-worker.aws-credentials
            chown root:root /etc/credstore/*
            chmod 600 /etc/credstore/*
        """)

    def test_has_secrets_loaded_by_systemd(self):
        host = self.serve()
        self.credentials(host)
        self.drop_in(host, "credentials.conf")
        self.jobs.publish(count=10)
        self.assert_all_done(10)

    def test_that_loads_a_secret_that_is_not_there_ends_the_service_for_good(self):
        host = self.serve()
        self.credentials(host)
        host.do("rm", "/etc/credstore/nexus-worker.database-url")
        self.assertRaises(AssertionError, self.drop_in, host, "credentials.conf")
        self.assertEqual(self.of(host, "ActiveState"), "failed")
        self.assertEqual(self.of(host, "ExecMainStatus"), "243")

    def test_reloads_before_it_returns_where_systemd_is_new_enough(self):
        if self.suite == "bookworm":
            self.skipTest("Debian 12 has systemd 252")
        host = self.serve()
        self.drop_in(host, "notify-reload.conf", "restart-steps.conf")
        self.configure(host, {"log.level": "debug"})
        host.do("systemctl", "reload", SERVICE)
        self.assertEqual(self.of(host, "Type"), "notify-reload")
        self.assertIn("reloaded", host.journal(f"--unit={SERVICE}"))
        self.jobs.publish(count=10)
        self.assert_all_done(10)


if __name__ == "__main__":
    tap.main()
