"""docs/runbook.md: each line for systemctl and journalctl, where the service runs and jobs have run."""

import datetime
import json
import re

from lab import runbook, tap
from lab.booted_case import (SERVICE, SETTINGS, BootedCase, on_each_debian, setUpModule,  # noqa: F401
                             tearDownModule)
from lab.daemon import section
from lab.feed import until
from lab.jobs import Jobs, body

RECONCILE = "nexus-reconcile.service"
TYPE, JOB = "generate-thumbnail", "job-17"
WROTE = "the picture is small already"
# So few because a journal without a system's own settings takes ten lines at a time.
N_THREADS = 3
SETTINGS_HERE = {"worker.concurrency": N_THREADS,
                 **section(TYPE, kind="command", program=f"/bin/sh -c 'echo {WROTE} >&2'"),
                 **section("slow", kind="command", program="/bin/sleep 60", timeout="1s")}

# What follows ends at the line that is waited for, and not before.
FOLLOW = ["timeout", "60", "bash", "-c", 'grep --max-count=1 -e "$0" <("$@" 2>&1)']
# An editor, and a terminal, for who has neither. The file comes last, sometimes behind a line's number.
EDITOR = "/root/editor"
EDIT = ["env", f"SYSTEMD_EDITOR={EDITOR}", "script", "--quiet", "--return", "/dev/null", "--command"]
EDITS = """#!/bin/sh
for file; do :; done
printf '[Service]\\n%s\\n' '{}' >"$file"
"""
OTHER = f"/usr/bin/nexusctl --config {SETTINGS}/other.conf reconcile --apply"


@on_each_debian
class TheRunbook(BootedCase):
    def test_has_lines_that_find_and_do_what_it_says(self):
        self.begin()
        for story in (self.provide, self.look, self.read_logs, self.find_a_stuck_job, self.mend_rows,
                      self.update, self.change_settings, self.be_alarmed, self.mend_the_settings,
                      self.see_it_killed, self.see_the_queue_refuse, self.see_the_database_away,
                      self.see_no_credentials, self.see_a_lease_lost, self.free_the_slots, self.tear_down):
            story()
        self.assertEqual(self.n_run, len(runbook.of("systemctl", "journalctl")))

    def begin(self):
        self.server = self.lab.postgres()
        self.database = self.server.create_database()
        self.addCleanup(self.database.close)
        self.jobs = Jobs(self.database, self.queue)
        self.n_run = 0
        self.host = self.boot()
        # "today" has begun there hours ago, and goes on for hours.
        hours = datetime.datetime.now(datetime.timezone.utc).hour - 12
        self.host.do("ln", "-sf", f"/usr/share/zoneinfo/Etc/GMT{hours:+}", "/etc/localtime")
        self.install(self.host)
        self.configure(self.host, SETTINGS_HERE)

    def under(self, anchor, *statuses, awaited=""):
        """What each line below that heading says, run when it is asked for. statuses: that they
        end with; 0 where none is given. awaited: by what would follow the journal without end."""
        lines = [one.words for one in runbook.of("systemctl", "journalctl") if one.anchor == anchor]
        for number, words in enumerate(lines):
            self.n_run += 1
            self.host.do("journalctl", "--sync")
            done = self.host.run(*self.bounded(words, awaited))
            said = done.stdout.decode()
            self.assertEqual(done.returncode, statuses[number] if number < len(statuses) else 0,
                             f"{words}: {said}")
            yield said

    @staticmethod
    def bounded(words, awaited):
        if "-f" in words:
            return [*FOLLOW, awaited, *words]
        if "edit" in words:
            return [*EDIT, " ".join(words)]
        return words

    def edit(self, line):
        """What an editor writes from here on."""
        self.host.write(EDITOR, EDITS.format(line), 0o755)

    def wait_journal(self, text):
        until(lambda: text in self.host.journal(f"--unit={SERVICE}"), 60, text)

    def wait_ready(self):
        until(lambda: re.search(r" threads busy, .* failed\Z", self.of(self.host, "StatusText")), 60,
              "a status with nothing away")

    def provide(self):
        next(self.under("provision"))
        self.assertEqual(self.of(self.host, "UnitFileState"), "enabled")
        self.wait_ready()
        # What the journal is asked for from here on.
        self.jobs.make(JOB, type=TYPE)
        self.queue.send([body(JOB, TYPE)])
        self.broken, = self.jobs.publish(payload={"fail": "no such picture"}, prefix="broken")
        self.late, = self.jobs.publish("slow", prefix="late")
        for job in (JOB, self.broken, self.late):
            self.wait_journal(f"job={job} ")

    def look(self):
        status, warnings = self.under("first-look")
        self.assertRegex(status, r"Active: active \(running\)")
        self.assertRegex(status, rf'Status: "\d of {N_THREADS} threads busy, ')
        self.assertIn(self.broken, warnings)
        self.assertNotIn(JOB, warnings)

    def read_logs(self):
        coming, = self.jobs.publish(payload={"delayMs": 3000})
        followed, job, of_type, ends, wrote, explained, as_json = self.under(
            "read-logs", awaited=f"job={coming} .*outcome=completed")
        self.assertIn(coming, followed)
        self.assertRegex(job, f"(?s){WROTE}.*job={JOB} .*outcome=completed")
        self.assertNotIn(self.broken, job)
        self.assertIn(f"job={JOB} ", of_type)
        self.assertNotIn(self.broken, of_type)
        self.assertRegex(ends, f"job={self.broken} .*outcome=failed")
        self.assertRegex(ends, f"job={self.late} .*outcome=timeout")
        self.assertNotIn(JOB, ends)
        self.assertIn(WROTE, wrote)
        self.assertNotIn("outcome=", wrote)
        self.assertIn(f"job={self.broken} ", explained)
        self.assertIn("Defined-By: nexus-worker", explained)
        found = [json.loads(line) for line in as_json.splitlines()]
        self.assertEqual({one["NEXUS_OUTCOME"] for one in found}, {"failed"})
        self.assertIn(self.broken, {one["NEXUS_JOB_ID"] for one in found})

    def find_a_stuck_job(self):
        self.assertIn(f"job={self.stuck()} ", self.see_slots("is-a-job-stuck-what-happened-to-it"))

    def stuck(self):
        """A job that runs for a while, and does so now."""
        job, = self.jobs.publish(payload={"delayMs": 20000}, prefix="stuck")
        self.jobs.wait(job, "processing", 30)
        return job

    def see_slots(self, anchor):
        """What its lines say of the slots, once the daemon has been told to."""
        def count():
            return self.host.journal(f"--unit={SERVICE}").count("\nslot ")
        before, lines = count(), self.under(anchor)
        next(lines)
        until(lambda: count() >= before + N_THREADS, what="a line for each slot")
        said = next(lines)
        for _ in lines:
            pass
        self.assertRegex(said, r"slot \d+: ")
        self.assertNotIn("outcome=", said)
        return said

    def mend_rows(self):
        lines = self.under("rows-and-messages-out-of-step")
        next(lines)
        self.assertEqual(self.of(self.host, "ActiveState", "nexus-reconcile.timer"), "active")
        self.assertRegex(next(lines), r"(?m)^\w+ [\d-]+ [\d:]+ .* nexus-reconcile\.timer ")
        self.host.do("systemctl", "start", RECONCILE)
        self.assertIn(" nexusctl[", next(lines))
        # An instance's queue, beside this one.
        self.configure(self.host, name="other")
        self.edit(f"ExecStart={OTHER}")
        next(lines)
        self.host.do("systemctl", "start", RECONCILE)
        self.assertIn(OTHER, self.of(self.host, "ExecStart", RECONCILE))
        self.assertEqual(self.of(self.host, "Result", RECONCILE), "success")

    def update(self):
        before = self.of(self.host, "ExecMainPID")
        *_, status = self.under("deploy-an-update")
        self.assertRegex(status, r"Active: active \(running\)")
        self.assertNotEqual(self.of(self.host, "ExecMainPID"), before)

    def change_settings(self):
        self.edit("Environment=NEXUS_WORKER_CONCURRENCY=4 AWS_EC2_METADATA_DISABLED=true")
        self.configure(self.host, {**SETTINGS_HERE, "job test-echo.timeout": "9s"})
        lines = self.under("change-settings")
        next(lines)
        self.wait_journal("reloaded")
        for _ in lines:
            pass
        self.assertIn("NEXUS_WORKER_CONCURRENCY=4", self.of(self.host, "Environment"))
        self.host.do("systemctl", "restart", SERVICE)
        self.assertRegex(self.host.do("nexusctl", "config", "worker.concurrency"), r"\b4\b")

    def be_alarmed(self):
        status, = self.under("alarm-nexus-jobs-oldest-message")
        self.assertRegex(status, r"Active: active \(running\)")
        limits, = self.under("alert-nexusworkerfewdescriptors")
        self.assertRegex(limits, r"(?m)\A(MainPID=[1-9]\d*\n|LimitNOFILE=[1-9]\d*\n){2}\Z")

    def mend_the_settings(self):
        self.configure(self.host, {**SETTINGS_HERE, "worker.concurrency": "many"})
        self.assertNotEqual(self.host.status("systemctl", "restart", SERVICE), 0)
        lines = self.under("alert-nexusworkerdown", 3)
        self.assertRegex(next(lines), r"(?s)Active: failed .*status=78")
        self.assertRegex(next(lines), rf"{SETTINGS}/nexus-worker\.conf:\d+: .*concurrency")
        self.configure(self.host, SETTINGS_HERE)
        next(lines)
        self.wait_ready()

    def see_it_killed(self):
        self.host.do("systemctl", "kill", "--signal=KILL", "--kill-whom=main", SERVICE)
        until(lambda: self.of(self.host, "NRestarts") == "1", 60, "its restart")
        self.wait_ready()
        # No kernel's lines reach a system that has no kernel of its own.
        warnings, kernel = self.under("alert-nexusworkerrestarting", 0, 1)
        self.assertIn("Failed with result 'signal'", warnings)
        self.assertEqual(kernel, "-- No entries --\n")

    def see_the_queue_refuse(self):
        self.sqs.fault(action="ReceiveMessage", count=0, kind="status", status=403, code="AccessDenied")
        self.jobs.publish()
        self.wait_journal("sqs:ReceiveMessage")
        for anchor in ("alert-nexusworkernotreceiving", "alert-nexusworkerqueueerrors"):
            warnings, = self.under(anchor)
            self.assertIn("sqs:ReceiveMessage", warnings)
        self.sqs.heal()
        self.wait_ready()

    def see_the_database_away(self):
        self.server.stop()
        gone = "terminating connection|Connection refused"
        until(lambda: re.search(gone, self.of(self.host, "StatusText")), 60, "a status that says so")
        warnings, = self.under("alert-nexusworkerdatabasedown")
        self.assertRegex(warnings, gone)
        self.server.start()
        self.wait_ready()

    def see_no_credentials(self):
        self.host.do("mv", f"{SETTINGS}/aws/credentials", "/root/credentials")
        self.host.do("systemctl", "restart", "--no-block", SERVICE)
        self.wait_journal("no AWS credentials")
        said, = self.under("alert-nexusworkercredentialsexpiring")
        self.assertIn("no AWS credentials", said)
        self.host.do("mv", "/root/credentials", f"{SETTINGS}/aws/credentials")
        self.start_service(self.host)
        self.wait_ready()

    def see_a_lease_lost(self):
        stuck = self.stuck()
        self.database.execute("UPDATE background_jobs SET started_at = started_at + interval '1 s'"
                              " WHERE id = %s", (stuck,))
        self.wait_journal("outcome=lost")
        warnings, = self.under("alert-nexusworkerleaseslost")
        self.assertRegex(warnings, f"job={stuck} .*outcome=lost")

    def free_the_slots(self):
        before = self.of(self.host, "ExecMainPID")
        self.see_slots("alert-nexusworkerslotsoverdue")
        self.assertNotEqual(self.of(self.host, "ExecMainPID"), before)

    def tear_down(self):
        next(self.under("teardown"))
        for unit in (SERVICE, "nexus-reconcile.timer"):
            self.assertEqual((self.of(self.host, "UnitFileState", unit),
                              self.of(self.host, "ActiveState", unit)), ("disabled", "inactive"))


if __name__ == "__main__":
    tap.main()
