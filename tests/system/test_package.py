"""The package on a Debian that boots: from its installation to its purge."""

import json
import time

from lab import tap
from lab.booted_case import (SERVICE, SETTINGS, BootedCase, on_each_debian, setUpModule,  # noqa: F401
                             tearDownModule)
from lab.feed import until
from lab.jobs import Jobs, body

RECONCILE = "nexus-reconcile.service"
TIMER = "nexus-reconcile.timer"

# What is not ours: apt's and dpkg's own notes, logs, and what is made anew at each boot or look-up.
ELSEWHERE = ("/proc", "/sys", "/dev", "/run", "/tmp", "/root", "/var/tmp", "/var/cache", "/var/log",
             "/var/lib/apt", "/var/lib/dpkg", "/var/lib/systemd/catalog", "/etc/ld.so.cache")

# Jobs of an upgrade under load, and how many of its receives may be in vain: what a daemon has in
# hand that it cannot do any more, which is little with a drain of a minute.
COUNT = 4000
BURNT_MAX = 32


def everything(host):
    """Each file with its mode and owner, and the users and groups that there are."""
    pruned = " -o ".join(f"-path {path}" for path in ELSEWHERE)
    return set(host.shell(f"""
        find / \\( {pruned} \\) -prune -o -printf '%p %m %u:%g\\n'
        cat /etc/passwd /etc/group /etc/shadow /etc/gshadow
    """).splitlines())


@on_each_debian
class APackage(BootedCase):
    def test_is_installed_configured_used_removed_and_purged(self):
        host = self.boot()
        # What it depends on may be there for others' sake afterwards: so that comes before it.
        host.do("apt-get", "-y", "satisfy", self.depends())
        before = everything(host)

        self.install(host)
        self.assertEqual(self.of(host, "UnitFileState"), "disabled")
        self.assertEqual(self.of(host, "ActiveState"), "inactive")
        self.assertEqual(host.say("systemctl", "is-system-running"), "running")
        # journalctl -x names it.
        host.do("test", "-f", "/usr/share/doc/nexus-worker/docs/aws.md")

        self.configure(host)
        host.do("systemctl", "enable", "--now", SERVICE, TIMER)
        job, *_ = self.jobs.publish(count=100)
        self.assert_all_done(100)
        said = host.journal(f"--unit={SERVICE}", f"NEXUS_JOB_ID={job}")
        self.assertIn("outcome=completed", said)
        host.do("systemctl", "start", RECONCILE)
        self.assertIn("inactive", host.say("apt-get", "-y", "remove", "nexus-worker")
                      + self.of(host, "ActiveState"))
        self.assertEqual(self.of(host, "Result"), "success")
        self.assertEqual(self.of(host, "ActiveState", TIMER), "inactive")
        self.assertIn("postgresql", host.do("cat", f"{SETTINGS}/database-url"))

        host.do("apt-get", "-y", "purge", "nexus-worker")
        self.assertEqual(everything(host) ^ before, set())

    def test_lets_nobody_else_read_its_settings(self):
        host = self.boot()
        self.install(host)
        self.configure(host)
        host.write(f"{SETTINGS}/nexus-worker.conf.d/mine.conf", "", mode=0o600)
        unseen = "mine.conf is not for the daemon's user nexus-worker to read"
        self.assertIn(unseen, host.say("nexusctl", "--json", "doctor"))
        host.do("systemd-tmpfiles", "--create", "nexus-worker.conf")
        self.assertNotIn(unseen, host.say("nexusctl", "--json", "doctor"))
        modes = host.do("stat", "--format=%a %U:%G", SETTINGS, f"{SETTINGS}/nexus-worker.conf",
                        f"{SETTINGS}/database-url", f"{SETTINGS}/aws", f"{SETTINGS}/aws/credentials")
        self.assertEqual(modes.splitlines(), [
            "750 root:nexus-worker", "640 root:nexus-worker", "640 root:nexus-worker",
            "750 root:nexus-worker", "640 root:nexus-worker"])
        self.assertNotEqual(host.status("setpriv", "--reuid=nobody", "--clear-groups",
                                        "cat", f"{SETTINGS}/database-url"), 0)

    def test_says_what_is_missing_when_it_is_started_without_settings(self):
        host = self.boot()
        self.install(host)
        self.assertNotEqual(host.status("systemctl", "start", SERVICE), 0)
        self.assertEqual(self.of(host, "ExecMainStatus"), "78")
        self.assertEqual(self.of(host, "ActiveState"), "failed")
        self.assertIn("[queue] url", host.journal(f"--unit={SERVICE}"))

    def test_keeps_what_the_administrator_wrote_when_it_is_upgraded(self):
        host = self.serve({"worker.concurrency": "3"})
        before = host.do("sha256sum", f"{SETTINGS}/nexus-worker.conf", f"{SETTINGS}/database-url")
        self.upgrade(host)
        self.assertEqual(host.do("sha256sum", f"{SETTINGS}/nexus-worker.conf",
                                 f"{SETTINGS}/database-url"), before)

    def test_that_is_stopped_stays_so_when_it_is_upgraded(self):
        host = self.boot()
        self.install(host)
        self.configure(host)
        self.upgrade(host)
        self.assertEqual(self.of(host, "ActiveState"), "inactive")

    def test_loses_no_job_when_it_is_upgraded_under_load(self):
        host = self.serve()
        self.jobs.publish(payload={"delayMs": 5000}, count=10)
        self.jobs.publish(payload={"delayMs": 100}, count=COUNT - 10)
        until(lambda: self.jobs.counts().get("completed", 0) > 100, 30, "a load")
        before = self.of(host, "ExecMainPID")
        self.upgrade(host)
        self.assertNotEqual(self.of(host, "ExecMainPID"), before)
        self.assertGreater(self.jobs.counts().get("pending", 0), 0, "it was over before the upgrade")

        self.jobs.wait_all("completed", 120)
        until(self.queue.is_empty, what="an empty queue")
        self.assertTrue(self.dead_letters.is_empty())
        self.assertEqual(self.jobs.runs(), {1: COUNT})
        burnt = self.queue.received() - COUNT
        print(f"# noted: {self.suite}: {COUNT} jobs across an upgrade, each run once; {burnt} receives "
              "burnt, no dead letter")
        self.assertLessEqual(burnt, BURNT_MAX)

    def test_is_upgraded_within_a_minute_while_the_database_is_down(self):
        postgres = self.lab.postgres()
        database = postgres.create_database()
        self.addCleanup(database.close)
        self.jobs = Jobs(database, self.queue, history=True)
        host = self.boot()
        self.install(host)
        self.configure(host, database=database)
        self.start_service(host)
        self.jobs.publish(count=10)
        self.jobs.wait_all("completed")

        postgres.stop()
        before = self.of(host, "ExecMainPID")
        begun = time.monotonic()
        self.upgrade(host)
        seconds = time.monotonic() - begun
        self.assertNotEqual(self.of(host, "ExecMainPID"), before)
        print(f"# noted: {self.suite}: an upgrade with the database down took {seconds:.0f} s")
        self.assertLess(seconds, 60)
        self.assertEqual(self.of(host, "ActiveState"), "active")
        self.assertRegex(self.of(host, "StatusText"), "(?i)database")

        postgres.start()
        self.jobs.publish(count=10)
        self.jobs.wait_all("completed", 60)

    def test_serves_several_queues_by_instances(self):
        host = self.boot()
        self.install(host)
        other = self.sqs.create_queue(f"{self.queue.name}-other", self.visibility)
        unit = "nexus-worker@other.service"
        self.configure(host)
        self.configure(host, name="other", queue=other)
        self.start_service(host)
        host.do("systemctl", "enable", "--now", unit)
        here = self.jobs.publish(count=10)
        there = self.jobs.insert(count=10)
        other.send([body(job) for job in there])
        self.jobs.wait_all("completed")
        self.assertEqual((self.queue.received(), other.received()), (len(here), len(there)))
        for name, queue in (("nexus-worker", self.queue), ("other", other)):
            shown = json.loads(host.say("nexusctl", "--json", "--config",
                                        f"/etc/nexus-worker/{name}.conf", "config", "queue.url"))
            self.assertEqual((shown["running"], shown["pending"]), (queue.url, False))

        before = self.of(host, "ExecMainPID", unit)
        self.upgrade(host)
        self.assertNotEqual(self.of(host, "ExecMainPID", unit), before)
        # Of a name like an instance's, and nobody's but the administrator's.
        host.do("install", "-d", "/var/lib/nexus-worker-backup")
        host.do("apt-get", "-y", "purge", "nexus-worker")
        self.assertEqual(host.say("systemctl", "list-units", "--plain", "--no-legend",
                                  "nexus-worker*"), "")
        self.assertEqual(host.say("sh", "-c", "ls -d /etc/systemd/system/*/nexus* /var/lib/nexus* "
                                  "/var/lib/private/nexus* 2>/dev/null"),
                         "/var/lib/nexus-worker-backup")


if __name__ == "__main__":
    tap.main()
