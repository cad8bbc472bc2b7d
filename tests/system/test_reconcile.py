"""nexus-reconcile.timer as the package brings it, enabled as the runbook says."""

import os

from lab import tap
from lab.booted_case import (SETTINGS, BootedCase, on_each_debian, setUpModule,  # noqa: F401
                             tearDownModule)
from lab.dead_letters import DeadLetters
from lab.feed import until

TIMER, SERVICE = "nexus-reconcile.timer", "nexus-reconcile.service"
IN_STEP = "rows and messages are in step"

# Beside its own times: once a second after it was started, and exactly then.
SOON = "[Timer]\nOnActiveSec=1s\nRandomizedDelaySec=0\nAccuracySec=1us\n"

# That these fail ("-") does not fail the service.
CLOSED = ("/etc/here", "/usr/here", "/var/lib/here", "/home/here", f"{SETTINGS}/here")
WRITE = "[Service]\n" + "".join(f"ExecStartPre=-/bin/touch {path}\n" for path in CLOSED)


@on_each_debian
class TheTimer(DeadLetters, BootedCase):
    def prepare(self):
        """A host with the package and its settings, where the timer is as it was installed."""
        host = self.boot()
        self.install(host)
        self.configure(host)
        self.assertEqual([(self.of(host, "UnitFileState", unit), self.of(host, "ActiveState", unit))
                          for unit in (TIMER, SERVICE)],
                         [("disabled", "inactive"), ("static", "inactive")])
        return host

    def lose(self):
        """A row that is processing, by nobody, and whose message is dead; its id."""
        lost, = self.bury(1, status="processing", attempts=2)
        self.jobs.grow_old([lost], 60)
        return lost

    @staticmethod
    def said(host, *words):
        return host.journal(f"--unit={SERVICE}", *words)

    def start(self, host):
        """The service alone; it has ended well when this returns."""
        host.do("systemctl", "start", SERVICE)
        self.assertEqual((self.of(host, "ActiveState", SERVICE), self.of(host, "Result", SERVICE)),
                         ("inactive", "success"))

    def test_mends_a_row_that_is_lost_and_says_which_in_the_journal(self):
        lost = self.lose()
        host = self.prepare()
        host.write(f"/etc/systemd/system/{TIMER}.d/soon.conf", SOON)
        host.do("systemctl", "enable", "--now", TIMER)
        self.jobs.wait(lost, "failed", 60)
        until(lambda: self.of(host, "ActiveState", SERVICE) == "inactive", what="the run's end")
        self.assertEqual(self.of(host, "Result", SERVICE), "success")
        own = self.said(host, f"_UID={host.do('id', '-u', 'nexus-worker')}")
        self.assertIn("Lost: ", own)
        self.assertRegex(own, rf"(?m)^{lost} .* failed$")
        self.assertRegex(host.do("systemctl", "list-timers", TIMER),
                         rf"(?m)^\w+ [\d-]+ [\d:]+ \w+ .* {TIMER} +{SERVICE}$")
        self.assertIn("OnUnitInactiveUSec=10min", self.of(host, "TimersMonotonic", TIMER))

        self.start(host)
        self.assertIn(IN_STEP, self.said(host))

    def test_has_a_service_that_writes_into_no_file(self):
        host = self.prepare()
        host.write(f"/etc/systemd/system/{SERVICE}.d/write.conf", WRITE)
        host.do("systemctl", "daemon-reload")
        lost = self.lose()
        self.start(host)
        self.assert_row(lost, status="failed")
        self.assertEqual(self.said(host).count("cannot touch"), len(CLOSED))
        for path in CLOSED:
            self.assertNotEqual(host.status("test", "-e", path), 0, path)

    def test_says_which_permission_its_service_lacks_and_goes_on_once_it_is_given(self):
        host = self.prepare()
        host.do("systemctl", "enable", "--now", TIMER)
        lost = self.lose()
        key, secret = "AKIARECONCILE0000001", os.urandom(15).hex()
        self.sqs.add_key(key, secret, ["GetQueueAttributes"])
        host.write(f"{SETTINGS}/aws/credentials",
                   f"[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n")
        self.assertNotEqual(host.status("systemctl", "start", SERVICE), 0)
        self.assertEqual((self.of(host, "Result", SERVICE), self.of(host, "ExecMainStatus", SERVICE)),
                         ("exit-code", "1"))
        self.assertIn("sqs:ReceiveMessage", self.said(host))
        self.assertNotIn(secret, self.said(host))
        self.assert_row(lost, status="processing")
        self.assertEqual(self.of(host, "ActiveState", TIMER), "active")

        self.sqs.add_key(key, secret, ["GetQueueAttributes", "ReceiveMessage",
                                       "ChangeMessageVisibility"])
        self.start(host)
        self.assert_row(lost, status="failed")

    def test_stays_as_it_is_at_an_upgrade_and_goes_with_the_package(self):
        host = self.prepare()
        self.upgrade(host)
        self.assertEqual(self.of(host, "ActiveState", TIMER), "inactive")
        host.do("systemctl", "enable", "--now", TIMER)
        host.do("apt-get", "-y", "install", "--reinstall", "/root/later.deb")
        self.assertEqual((self.of(host, "UnitFileState", TIMER), self.of(host, "ActiveState", TIMER)),
                         ("enabled", "active"))
        host.do("apt-get", "-y", "purge", "nexus-worker")
        self.assertEqual(host.say("systemctl", "list-units", "--all", "--plain", "--no-legend",
                                  "nexus-*"), "")
        self.assertEqual(host.say("find", "/etc/systemd", "/var/lib/systemd", "-name", "nexus-*"), "")


if __name__ == "__main__":
    tap.main()
