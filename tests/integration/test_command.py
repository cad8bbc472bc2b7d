"""Jobs of kind command: what their programs find, how they end, and what is left of them."""

import collections
import contextlib
import http.client
import json
import os
import pathlib
import signal
import time
import urllib.parse

from lab import tap
from lab.command_case import (PYTHON, STAY, TYPE, WAIT_TO_GO, CommandCase,  # noqa: F401
                              setUpModule, tearDownModule)
from lab.feed import until
from lab.process import is_alive
from lab.sqs import KEY_ID, SECRET

OTHER = "send-fax"
OF_THE_DAEMON = "only for the daemon"
FLOOD = 50_000_000
MIB = 1 << 20

KEEP_ITS_ROW = """
import os, psycopg2
database = psycopg2.connect(os.environ["DATABASE_URL"])
job = os.environ["JOB_ID"]
for change in ("status = 'processing', attempts = attempts + 1",
               "status = 'completed', completed_at = now() AT TIME ZONE 'UTC'"):
    with database, database.cursor() as cursor:
        cursor.execute("UPDATE background_jobs SET " + change + " WHERE id = %s", (job,))
"""


def words_of(environ):
    return dict(word.split("=", 1) for word in environ.decode().split("\0") if word)


class AProgram(CommandCase):
    def test_gets_the_payload_byte_for_byte_and_its_job_in_an_environment_built_from_nothing(self):
        self.start({**self.settings(
            'cat >"payload-$JOB_ATTEMPT"; cat /proc/$$/environ >"environ-$JOB_ATTEMPT";'
            ' [ "$JOB_ATTEMPT" -eq 2 ] || exit 75', timeout="20s", environment="'OURS=two words'",
            pass_aws_credentials="no")},
            environment={"DATABASE_URL": self.database.url, "OF_THE_DAEMON": OF_THE_DAEMON})
        payload = '{"b" : 1,  "b":"\\u0041\\u00e9é", "number": 1e+02}'
        job, = self.jobs.insert(TYPE)
        begun = time.time()
        self.queue.send([f' {{"type":"{TYPE}", "payload":{payload} ,"jobId": "{job}" }} '])
        self.jobs.wait(job, "completed", attempts=2)
        ended = time.time()
        for attempt in ("1", "2"):
            self.assertEqual(self.read(f"payload-{attempt}"), payload.encode())
            found = words_of(self.read(f"environ-{attempt}"))
            deadline = found.pop("JOB_DEADLINE")
            self.assertRegex(deadline, r"^\d+\.\d{3}$")
            self.assertTrue(begun + 20 - 0.01 < float(deadline) < ended + 20, deadline)
            self.assertEqual(found, {
                "JOB_ID": job, "JOB_TYPE": TYPE, "JOB_ATTEMPT": attempt, "OURS": "two words",
                "AWS_EC2_METADATA_DISABLED": "true",
                "PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8",
                "HOME": str(self.place)})

    def test_says_what_it_says_in_the_log_with_its_job_as_fields(self):
        daemon = self.start_script('echo one; echo "<4>two"; echo "three é" >&2; printf four',
                                   {"log.format": "json"})
        job = self.publish()
        self.jobs.wait(job, "completed")
        daemon.wait_line("stdout: four")
        said = [json.loads(match.string) for match in daemon.lines(f"job={job} std(out|err): ")]
        for line in said:
            self.assertEqual((line["job_id"], line["job_type"], line["attempt"]),
                             (job, TYPE, "1"))
        self.assertEqual(
            sorted((line["stream"], line["level"], line["message"]) for line in said),
            [("stderr", "notice", f"job={job} stderr: three é"),
             ("stdout", "info", f"job={job} stdout: four"),
             ("stdout", "info", f"job={job} stdout: one"),
             ("stdout", "warning", f"job={job} stdout: two")])

    def test_may_keep_its_row_itself_with_the_databases_url(self):
        self.start_script(KEEP_ITS_ROW, interpreter=PYTHON, rows="handler",
                          pass_database_url="yes")
        job = self.publish()
        self.jobs.wait(job, "completed")
        until(self.queue.is_empty, what="an empty queue")
        self.assertEqual(self.jobs.history(job), [("processing", 1), ("completed", 1)])
        self.assert_row(job, error=None)

    def test_reads_none_of_the_files_that_the_daemons_environment_names(self):
        named = {}
        for name in ("AWS_CONFIG_FILE", "PGPASSFILE", "PGSERVICEFILE", "PGSSLKEY"):
            (self.place / name).mkdir()
            named[name] = self.place / name / "file"
            named[name].write_text(f"[{name}]\n")
            named[name].chmod(0o600)
        daemon = self.start(self.settings("cat */file; true"), environment=named)
        if daemon.lines("Landlock"):
            self.skipTest("the kernel has no Landlock")
        self.jobs.wait(self.publish(), "completed")
        self.assertEqual([line[0] for line in daemon.lines(r"stdout: \[.*")], [])

    def test_gets_the_aws_keys_from_an_endpoint_that_answers_no_process_but_the_daemons(self):
        self.start({**self.settings(
            'echo "$AWS_CONTAINER_CREDENTIALS_FULL_URI" "$AWS_CONTAINER_AUTHORIZATION_TOKEN" >told;'
            ' curl -sS --max-time 5 -o keys -H "Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN"'
            ' "$AWS_CONTAINER_CREDENTIALS_FULL_URI"'),
            **self.settings("cat /proc/$$/environ >environ", OTHER, pass_aws_credentials="no")})
        self.jobs.wait(self.publish(), "completed")
        keys = json.loads(self.read("keys"))
        self.assertEqual((keys["AccessKeyId"], keys["SecretAccessKey"]), (KEY_ID, SECRET))
        uri, token = self.read("told").decode().split()
        self.assertRaises(ConnectionError, ask, uri, token)
        self.jobs.wait(self.publish(OTHER), "completed")
        self.assertEqual([name for name in words_of(self.read("environ"))
                          if name.startswith("AWS_CONTAINER_")], [])


def ask(uri, token):
    where = urllib.parse.urlsplit(uri)
    connection = http.client.HTTPConnection(where.netloc, timeout=5)
    try:
        connection.request("GET", where.path, headers={"Authorization": token})
        return connection.getresponse().read()
    finally:
        connection.close()


class AnEnd(CommandCase):
    def test_of_any_kind_is_the_end_of_its_job(self):
        """Each fails the first time; what fails for good waits for the visibility's end."""
        settings = {"worker.concurrency": "4"}
        for job_type, how in (("done", ":"), ("again", "echo busy >&2; exit 75"),
                              ("never", "echo 'no such word' >&2; exit 65"),
                              ("other", "printf 'one\\n two \\n\\n' >&2; exit 3"),
                              ("silent", "exit 4"), ("killed", "kill -SEGV $$")):
            settings.update(self.settings(f'[ "$JOB_ATTEMPT" -eq 1 ] || exit 0; {how}', job_type,
                                          base_delay="2s", max_delay="2s"))
        self.start(settings)
        done = self.publish("done")
        failed = {job_type: self.publish(job_type)
                  for job_type in ("again", "never", "other", "silent", "killed")}
        self.assertEqual(
            {job_type: self.jobs.wait(job, "failed").error for job_type, job in failed.items()},
            {"again": "busy", "never": "no such word", "other": "two",
             "silent": "exited with status 4", "killed": "killed by SIGSEGV"})
        for job in failed.values():
            self.jobs.wait(job, "completed", attempts=2)
        until(self.queue.is_empty, what="an empty queue")
        self.assert_row(done, status="completed", attempts=1, error=None)
        for job_type in ("again", "other", "silent", "killed"):
            self.assertLess(self.pause(failed[job_type]), self.pause(failed["never"]) - 1)
        self.assertGreater(self.pause(failed["never"]), 3)

    def pause(self, job):
        """Seconds between its failure and its second run."""
        (seconds,), = self.database.execute(
            "SELECT extract(epoch FROM max(at) FILTER (WHERE status = 'processing')"
            " - max(at) FILTER (WHERE status = 'failed'))::float FROM history WHERE id = %s",
            (job,))
        return seconds

    def test_by_kill_9_fails_the_job_which_the_next_receive_completes(self):
        daemon = self.start_script(f'[ "$JOB_ATTEMPT" -eq 1 ] || exit 0; {STAY}')
        job = self.publish()
        os.kill(self.pid_of(daemon, job), signal.SIGKILL)
        self.assertEqual(self.jobs.wait(job, "failed").error, "killed by SIGKILL")
        self.jobs.wait(job, "completed", attempts=2)

    def test_comes_at_the_deadline_to_all_that_it_started_whether_they_want_it_or_not(self):
        """The one ends at SIGTERM, the other has to be killed."""
        start_another = "sleep 60 & echo child $!; echo pid $$; wait; wait"
        daemon = self.start({
            **self.settings(start_another, timeout="1s"),
            **self.settings("trap 'echo not yet' TERM; (trap '' TERM; " + start_another + ") & "
                            + start_another + "; sleep 60", OTHER, timeout="1s")})
        jobs = [self.publish(), self.publish(OTHER)]
        pids = [self.pid_of(daemon, job, times, word) for job, times in zip(jobs, (1, 2))
                for times in range(1, times + 1) for word in ("pid", "child")]
        for job in jobs:
            self.assertEqual(self.jobs.wait(job, "failed").error, "timed out after 1s")
            daemon.wait_line(f"job={job} .*outcome=timeout")
        daemon.wait_line(f"job={jobs[1]} stdout: not yet")
        for pid in pids:
            self.wait_gone(pid)


class AProgramThatMisbehaves(CommandCase):
    def test_by_a_flood_of_output_completes_and_one_line_says_how_much_was_dropped(self):
        daemon = self.start({
            **self.settings(f"yes | head -c {FLOOD}", output="2K", timeout="5min"),
            **self.settings(f"head -c {FLOOD} /dev/zero >&2", OTHER, output="2K", timeout="5min")})
        before = anonymous_memory(daemon)
        for job in (self.publish(), self.publish(OTHER)):
            self.jobs.wait(job, "completed", within=120)
            daemon.wait_line(f"job={job} output: of {FLOOD} bytes those beyond 2048 ")
            self.assertEqual(len(daemon.lines(f"job={job} output: ")), 1)
            self.assertLessEqual(len(daemon.lines(f"job={job} std(out|err): ")), 1025)
        self.assertLess(anonymous_memory(daemon) - before, 16 * MIB)

    def test_by_eating_memory_fails_with_a_text(self):
        self.start_script("bytearray(256 << 20)", interpreter=PYTHON, memory="64M")
        self.assertRegex(self.jobs.wait(self.publish(), "failed").error,
                         "^MemoryError$|took more than 64M of memory")

    def test_by_leaving_its_payload_unread_completes(self):
        self.start({**self.settings("exec <&-"), **self.settings("exec <&-; sleep 0.2", OTHER)})
        for job_type in (TYPE, OTHER):
            self.jobs.wait(self.publish(job_type, text="x" * 200_000), "completed")

    def test_by_leaving_others_that_hold_its_output_open_does_not_keep_its_job(self):
        daemon = self.start_script(
            "sleep 60 & echo pid $!;"
            " echo left $(setsid sh -c 'echo $$; exec sleep 60 >&2' &)")
        job = self.publish()
        self.jobs.wait(job, "completed", within=5)
        self.assert_row(job, attempts=1)
        self.wait_gone(self.pid_of(daemon, job))
        self.pid_of(daemon, job, word="left")


def anonymous_memory(daemon):
    status = pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text()
    kib, = (line.split()[1] for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(kib) << 10


class ADaemonThatEnds(CommandCase):
    def test_by_kill_9_takes_the_program_with_it_and_the_next_runs_the_job_again(self):
        daemon = self.start_script(f'[ "$JOB_ATTEMPT" -eq 1 ] || exit 0; {STAY}')
        job = self.publish()
        pid = self.pid_of(daemon, job)
        daemon.kill()
        self.wait_gone(pid)
        self.assert_row(job, status="processing", attempts=1)
        daemon.start().wait_ready()
        self.jobs.wait(job, "completed", attempts=2)
        until(self.queue.is_empty, what="an empty queue")

    def test_in_order_lets_the_program_end_first(self):
        daemon = self.start_script(f"echo pid $$; {WAIT_TO_GO}")
        job = self.publish()
        self.pid_of(daemon, job)
        daemon.process.send(signal.SIGTERM)
        daemon.wait_status("stopping")
        self.assert_row(job, status="processing")
        self.go()
        self.assertEqual(daemon.wait(), 0)
        self.assert_row(job, status="completed", attempts=1)
        self.assertTrue(self.queue.is_empty())

    def test_at_its_time_limit_stops_the_program_and_gives_the_job_back_at_once(self):
        daemon = self.start_script(STAY, {"worker.drain_timeout": "500ms"})
        job = self.publish()
        pid = self.pid_of(daemon, job)
        self.assertEqual(daemon.stop(), 0)
        self.assertFalse(is_alive(pid))
        self.assert_row(job, status="pending", error="interrupted by shutdown")
        self.assertEqual(self.queue.counts(), (1, 0))


class ManyPrograms(CommandCase):
    def test_of_a_limited_type_run_one_at_a_time_and_hold_up_no_others(self):
        daemon = self.start({
            "worker.concurrency": "4",
            **self.settings(f"mkdir alone || exit 1; echo pid $$; {WAIT_TO_GO}; rmdir alone",
                            max_concurrency="1"),
            **self.settings("exec sleep 0.02", OTHER)})
        limited = self.jobs.publish(TYPE, count=3)
        daemon.wait_line("stdout: pid")
        others = self.jobs.publish(OTHER, count=20)
        until(lambda: {row.status for row in self.jobs.rows(others)} == {"completed"},
              what="the end of all others")
        self.assertEqual(sorted(row.status for row in self.jobs.rows(limited)),
                         ["pending", "pending", "processing"])
        self.go()
        self.assert_all_done(23)

    def test_leave_no_zombie_and_no_descriptor_behind(self):
        daemon = self.start({"worker.concurrency": "4", **self.settings("cat >/dev/null; echo x")})
        self.jobs.publish(TYPE, count=8)
        self.assert_all_done(8)
        before = descriptors(daemon)
        self.jobs.publish(TYPE, count=200)
        self.assert_all_done(208)
        self.assertEqual(descriptors(daemon), before)
        self.assertEqual(children(daemon), [])


def descriptors(daemon):
    """How many of which kind. Connections come and go with the traffic."""
    kinds = collections.Counter()
    for descriptor in pathlib.Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            kinds[os.readlink(descriptor).partition(":[")[0]] += 1
    del kinds["socket"]
    return kinds


def children(daemon):
    tasks = pathlib.Path(f"/proc/{daemon.process.pid}/task").iterdir()
    return [pid for task in tasks for pid in (task / "children").read_text().split()]


if __name__ == "__main__":
    tap.main()
