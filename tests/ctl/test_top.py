"""nexusctl top: in a real terminal, as lines, as JSON; and with half of what it asks away."""

import json
import os
import signal
import unittest

from lab import tap
from lab.ctl import nexusctl_alone
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.jobs import body
from lab.process import Process, children, is_alive
from lab.terminal import Terminal, has_terminal

FAST = ("--interval", "100ms")
PLAIN, OURS = (False, True, True), (True, False, False)
HOSTILE = "\033]0;title\a\033[2J\u009b2J\u202e\r\nsecond"
TYPE_WIDTH = 30
SHOWN = "?]0;title??[2J??2J???? second"


class TopCase(CtlCase):
    def setUp(self):
        super().setUp()
        self.add_row("run-1", "slow-type", "processing", 90, attempts=2)
        self.add_row("done-1", "test-echo", "completed", 30)
        self.add_row("done-2", "test-echo", "completed", 600)
        self.add_row("bad-1", "test-echo", "failed", 40, error="no paper")
        self.queue.send([body("run-1"), body("wait-1")])
        self.dead_letters.send([body("dead-1")])

    def add_row(self, job_id, job_type, status, age, attempts=1, error=None, created=None):
        """age: seconds since its status is what it is."""
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, status, attempts, error, started_at,"
            " updated_at, created_at) SELECT %s, %s, '{}', %s::job_status, %s, %s, at, at,"
            " least(at, now() AT TIME ZONE 'UTC' - make_interval(secs => %s)) FROM"
            " (SELECT now() AT TIME ZONE 'UTC' - make_interval(secs => %s) AS at) moment",
            (job_id, job_type, status, attempts, error, created or age, age))

    def deny_queue(self):
        self.sqs.fault(action="GetQueueAttributes", kind="status", status=403,
                       code="AccessDenied", count=1000000)

    def hide_table(self):
        self.database.execute("ALTER TABLE background_jobs RENAME TO hidden")

    def find_table(self):
        self.database.execute("ALTER TABLE hidden RENAME TO background_jobs")

    def words(self, *more):
        return [self.lab.program("nexusctl"), "--config", self.daemon.file, "top", *more]


@unittest.skipUnless(has_terminal(), "tmux is not installed")
class Screen(TopCase):
    def open(self, *words, **size):
        terminal = Terminal(self.lab, self.words(*FAST, *words), self.daemon.own_environment(),
                            **size)
        self.addCleanup(terminal.close)
        return terminal

    def assert_left(self, terminal, status=0):
        """The terminal is as it was before."""
        match = terminal.wait(r"^after=(\d+) (.*)\n(.*\n)?")
        self.assertEqual((int(match[1]), match[2].split()), (status, ["icanon", "echo"]))
        self.assertIn("before", terminal.lines())
        self.assertNotIn("AGE", terminal.text())
        self.assertEqual(terminal.modes(), PLAIN)

    def test_shows_what_the_daemons_do(self):
        terminal = self.open()
        terminal.wait(rf"^{self.queue.name}  \d+-\d+-\d+T\d+:\d+:\d+Z  every 100ms$")
        terminal.wait(r"^queue +visible 2, in flight 0, delayed 0, dead 1$")
        terminal.wait(r"^rate +0\.0/s$")
        terminal.wait(r"^completed +0 in 100ms, 1 in 1min, 2 in 1h$")
        terminal.wait(r"^failed +0 in 100ms, 1 in 1min, 1 in 1h$")
        terminal.wait(r"^slots +1 in use$")
        terminal.wait(r"^ +AGE +TRY +TYPE +JOB\n +1min +2 +slow-type +run-1$")
        terminal.wait(r"^LAST ERRORS\n +\d+s ago +test-echo +bad-1\n +no paper$")
        self.assertEqual(terminal.modes(), OURS)
        self.add_row("done-3", "test-echo", "completed", 0)
        terminal.wait(r"^completed +\d+ in 100ms, 2 in 1min, 3 in 1h$")
        terminal.keys("x", "q")
        self.assert_left(terminal)

    def test_is_coloured_unless_no_color_forbids_it(self):
        for forbidden, coloured in ((None, True), ("", True), ("1", False)):
            self.daemon.environment["NO_COLOR"] = forbidden
            terminal = self.open()
            terminal.wait("slots")
            self.assertEqual("\033[" in "\n".join(terminal.colours()), coloured, forbidden)

    def test_leaves_the_terminal_as_it_was_however_it_ends(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            with self.subTest(number.name):
                terminal = self.open()
                terminal.wait("slow-type")
                if number == signal.SIGINT:
                    terminal.keys("C-c")
                else:
                    os.kill(terminal.program(), number)
                self.assert_left(terminal)

    def test_gives_the_terminal_back_while_it_is_stopped(self):
        terminal = self.open()
        terminal.wait("slow-type")
        program = terminal.program()
        os.kill(program, signal.SIGTSTP)
        until(lambda: terminal.modes() == PLAIN, what="the first screen")
        os.kill(program, signal.SIGCONT)
        terminal.wait("slow-type")
        self.assertEqual(terminal.modes(), OURS)
        terminal.keys("q")
        self.assert_left(terminal)

    def test_stays_within_the_terminal(self):
        for number in range(30):
            self.add_row(f"run-{number:02}-{'x' * 60}", "some-type", "processing", 60 - number)
            self.add_row(f"bad-{number:02}", "some-type", "failed", 60 - number, error="y" * 100)
        terminal = self.open(width=60, height=24)
        terminal.wait("some-type +run-00-x+…$")
        terminal.wait(r"^ +and \d+ more$")
        terminal.wait(r"^ +y+…$")
        self.assertEqual(terminal.lines()[0][:len(self.queue.name)], self.queue.name)
        for width, height in ((40, 8), (12, 3), (1, 1), (100, 50)):
            terminal.resize(width, height)
            until(lambda: self.fills(terminal, width, height), what=f"{width} x {height}")
        terminal.wait(r"run-27-x{60}$\n +and 2 more$")
        terminal.keys("q")
        terminal.wait("^after=0 ")

    def fills(self, terminal, width, height):
        """The first line is there, cut if it has to be, and nothing of another size."""
        lines = terminal.lines()
        first = f"{self.queue.name}  "
        expected = first if len(first) < width else first[:width - 1] + "…"
        used = [line for line in lines if line]
        return (lines[0].startswith(expected.rstrip()) and len(lines) <= height
                and all(len(line) <= width for line in lines)
                and (height > 24 or len(used) >= min(height, 6)))

    def test_shows_texts_and_obeys_none(self):
        self.add_row(f"run{HOSTILE}", f"type{HOSTILE}", "processing", 300)
        self.add_row("bad-2", "test-echo", "failed", 5, error=f"error{HOSTILE}")
        terminal = self.open(width=160)
        line = next(line for line in terminal.wait(r"(?s).*error\?.*")[0].splitlines()
                    if "run?" in line)
        self.assertIn(f"type{SHOWN}"[:TYPE_WIDTH] + "  run?", line)
        self.assertIn(f"run{SHOWN}", line)
        self.assertIn(f"            error{SHOWN}", terminal.lines())
        self.assertTrue(terminal.lines()[0].startswith(self.queue.name))

    def test_says_in_its_place_what_cannot_be_asked(self):
        terminal = self.open(width=120)
        terminal.wait("slow-type")
        self.deny_queue()
        terminal.wait("^queue +access denied")
        terminal.wait(r"^slots +1 in use$")
        self.hide_table()
        terminal.wait("^rows +the database: .*does not exist")
        self.sqs.heal()
        terminal.wait("^queue +visible 2,")
        self.find_table()
        terminal.wait(r"^slots +1 in use$")
        self.assertEqual(terminal.modes(), OURS)

    def test_neither_waits_for_a_silent_database_nor_cannot_be_left(self):
        terminal = self.open()
        terminal.wait("slow-type")
        self.postgres.freeze()
        self.addCleanup(self.postgres.thaw)
        terminal.wait(r"^rows +no answer for \d+s$")
        terminal.wait(r"^queue +visible 2,")
        looking = list(children(terminal.program()))
        self.assertEqual(len(looking), 2)
        terminal.keys("q")
        self.assert_left(terminal)
        self.assertFalse(any(map(is_alive, looking)))


class Lines(TopCase):
    def start_lines(self, *words):
        process = Process(self.lab, "top", self.words(*FAST, *words),
                          environment=self.daemon.own_environment())
        self.addCleanup(process.stop)
        return process

    def test_are_one_for_each_interval(self):
        process = self.start_lines()
        process.wait_line(r"^\d+:\d+:\d+Z +0\.0/s +2 +0 +0 +1 +1 +0 +0$", times=3)
        self.assertEqual(process.feed.lines[0].split(), [
            "TIME", "RATE", "VISIBLE", "FLIGHT", "DELAYED", "DEAD", "SLOTS", "COMPLETED", "FAILED"])
        self.assertEqual(process.stop(signal.SIGTERM), 0)

    def test_go_on_without_what_cannot_be_asked_which_is_said_once(self):
        process = self.start_lines()
        process.wait_line("/s +2")
        self.hide_table()
        process.wait_line(r"^\S+ +- +2 +0 +0 +1 +- +- +-$", times=5)
        self.find_table()
        process.wait_line("/s +2", start=len(process.feed))
        self.assertEqual(len(process.lines("^nexusctl: the database: .*does not exist")), 1)

    def test_go_on_with_another_connection(self):
        process = self.start_lines()
        process.wait_line("/s +2")
        before = self.backends()
        self.database.execute("SELECT pg_terminate_backend(pid) FROM unnest(%s) pid", (before,))
        until(lambda: self.backends() not in ([], before), what="a new connection")
        process.wait_line("/s +2", start=len(process.feed))

    def backends(self):
        return [pid for pid, in self.database.execute(
            "SELECT pid FROM pg_stat_activity WHERE usename = 'nexus' AND datname ="
            " current_database()")]

    def test_end_with_who_looks(self):
        process = self.start_lines()
        process.wait_line("/s +2")
        os.kill(list(children(process.pid))[1], signal.SIGKILL)
        self.assertEqual(process.wait(), 1)
        self.assertEqual(process.feed.lines[-1], "nexusctl: who looks at the rows has ended: "
                                                 "its process is gone")

    def test_leave_no_process_behind(self):
        process = self.start_lines()
        process.wait_line("/s +2")
        looking = list(children(process.pid))
        self.postgres.freeze()
        self.addCleanup(self.postgres.thaw)
        process.stop(signal.SIGKILL)
        for pid in looking:
            self.wait_gone(pid)

    def test_are_objects_for_programs(self):
        process = self.start_lines("--json")
        process.wait_line("^{", times=2)
        process.stop()
        for line in process.feed.lines:
            seen = json.loads(line)
            self.assertEqual((list(seen), seen["interval_seconds"]),
                             (["at", "interval_seconds", "queue", "rows"], 0.1))


class Once(TopCase):
    def test_tells_everything(self):
        text = self.ctl("top", "--once")
        self.assertRegex(text, r"(?m)^queue +visible 2, in flight 0, delayed 0, dead 1$")
        self.assertRegex(text, r"(?m)^ +1min +2 +slow-type +run-1$")
        self.assertRegex(text, r"(?m)^ +no paper$")
        self.assertNotIn("\033", text)

    def test_tells_programs_the_same(self):
        seen, = self.objects("top", "--once")
        self.assertEqual(seen["queue"], {"name": self.queue.name, "visible": 2, "in_flight": 0,
                                         "delayed": 0, "dead": 1})
        rows = seen["rows"]
        self.assertAlmostEqual(rows["jobs"][0].pop("age_seconds"), 90, delta=20)
        self.assertAlmostEqual(rows["errors"][0].pop("age_seconds"), 40, delta=20)
        self.assertEqual(rows, {
            "processing": 1, "jobs": [{"id": "run-1", "type": "slow-type", "attempts": 2}],
            "rate": 0.0, "completed": {"interval": 0, "minute": 1, "hour": 2},
            "failed": {"interval": 0, "minute": 1, "hour": 1},
            "errors": [{"id": "bad-1", "type": "test-echo", "error": "no paper"}]})

    def test_counts_what_was_created_within_the_hour(self):
        self.add_row("old", "test-echo", "completed", 10, created=2 * 3600)
        self.add_row("older", "test-echo", "failed", 10, created=2 * 3600)
        rows = self.objects("top", "--once")[0]["rows"]
        self.assertEqual((rows["completed"]["minute"], rows["failed"]["minute"]), (1, 1))

    def test_of_a_daemon_at_work(self):
        self.daemon.start().wait_ready()
        job, = self.jobs.publish(payload={"delayMs": 60000})
        self.jobs.wait(job, "processing")
        rows = self.objects("top", "--once")[0]["rows"]
        self.daemon.kill()
        self.assertEqual([(one["type"], one["attempts"], one["age_seconds"] < 3)
                          for one in rows["jobs"] if one["id"] == job], [("test-echo", 1, True)])

    def test_scans_no_table(self):
        self.database.execute(
            "INSERT INTO background_jobs (id, type, payload, status, created_at, updated_at)"
            " SELECT 'old-' || i, 'x', '{}', (CASE i %% 2 WHEN 0 THEN 'completed' ELSE 'failed'"
            " END)::job_status, now() - interval '1 day', now() - interval '1 day'"
            " FROM generate_series(1, %s) i", (10000,))
        self.database.execute("ANALYZE background_jobs")
        # What a connection did is told at the latest when it ends.
        self.database.close()
        _, seq_scans, index_scans = until(lambda: self.scans(inserted=10000), what="statistics")
        self.ctl("top", "--once")
        scans = until(lambda: self.scans(index_scans=index_scans + 3), what="more of them")
        self.assertEqual(scans[1], seq_scans)

    def scans(self, inserted=0, index_scans=0):
        """Of the table, as (rows inserted, sequential scans, index scans), once they are so many."""
        row, = self.database.execute("SELECT n_tup_ins, seq_scan, idx_scan FROM pg_stat_user_tables"
                                     " WHERE relname = 'background_jobs'")
        return row if row[0] >= inserted and row[2] >= index_scans else None

    def test_shows_what_it_can_and_fails(self):
        self.deny_queue()
        done = self.run_ctl("top", "--once", status=1)
        self.assertRegex(done.output, r"(?m)^slots +1 in use$")
        self.assertRegex(done.errors, "^nexusctl: access denied to .*\n$")

    def test_has_dead_letters_that_cannot_be_seen(self):
        self.dead_letters.delete()
        self.assertIsNone(self.objects("top", "--once")[0]["queue"]["dead"])
        self.assertRegex(self.ctl("top", "--once"), "dead not to be seen")

    def test_of_nothing_that_can_be_asked_is_a_line_each(self):
        self.daemon.configure({"database.url": "postgresql://127.0.0.1:1/none",
                               "queue.url": self.queue.url + "-not"})
        done = self.run_ctl("top", "--once", status=1)
        self.assertRegex(done.errors, "(?s)^nexusctl: [^\n]*is not there[^\n]*\n"
                                      "nexusctl: the database cannot be reached: [^\n]*\n$")
        self.daemon.configure({"queue.url": "nonsense"})
        self.assertIn("url", self.complain("top", "--once", status=78))


class Arguments(unittest.TestCase):
    def test_that_are_nonsense_are_one_line(self):
        for words, said in ((("--interval", "0"), "accepted is a duration from 100ms to 1h"),
                            (("--interval", "2h"), "accepted is a duration from 100ms to 1h"),
                            (("--interval", "soon"), "accepted is a duration from 100ms to 1h"),
                            (("queue",), "takes no names"), (("--all",), "unrecognized option")):
            done = nexusctl_alone("top", *words)
            self.assertEqual((done.status, done.output), (64, ""))
            self.assertIn(said, done.errors.splitlines()[0])


if __name__ == "__main__":
    tap.main()
