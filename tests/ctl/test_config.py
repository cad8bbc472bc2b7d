"""nexusctl config: every setting, where it came from, and what the running daemon has of it."""

import os
import re

from lab import tap
from lab.ctl_case import CtlCase, setUpModule, tearDownModule  # noqa: F401
from lab.jobs import body

REFUSED = "postgres://lab:hunter2@127.0.0.1:1/none"


def huge(path):
    with open(path, "xb") as file:
        file.truncate(2 ** 40)


class Config(CtlCase):
    def settings(self, **options):
        return {line["setting"]: line for line in self.objects("config", **options)}

    def notes(self):
        """What is said below the listing, name by name."""
        text = self.ctl("config").partition("\n\n")[2]
        return dict(re.findall(r"^! (job \S+?|\S+?):? (.*)$", text.replace("\n  ", " "), re.M))


class Shown(Config):
    def test_every_setting_with_value_and_origin(self):
        self.daemon.environment["NEXUS_WORKER_CONCURRENCY"] = "3"
        shown = self.settings()
        self.assertEqual(shown["queue.url"], {
            "setting": "queue.url", "value": self.queue.url, "origin": f"{self.daemon.file}:2",
            "applies": "restart", "running": None, "pending": None})
        self.assertEqual(shown["worker.concurrency"]["origin"],
                         "environment NEXUS_WORKER_CONCURRENCY")
        self.assertEqual((shown["log.level"]["value"], shown["log.level"]["origin"],
                          shown["log.level"]["applies"]), ("info", None, "reload"))
        text = self.ctl("config")
        self.assertRegex(text, r"(?m)^worker\.concurrency +3 +environ\S* +restart$")
        self.assertIn("what a reload would change is not known", text.replace("\n", " "))

    def test_no_secret(self):
        self.daemon.configure({"database.url": REFUSED, "job x.kind": "http",
                               "job x.url": "https://host/path?token=hunter2",
                               "job y.kind": "command", "job y.program": "/bin/true",
                               "job y.environment": "TOKEN=hunter2"})
        for words in (["config"], ["--json", "config"], ["config", "database.url"],
                      ["config", "job y.environment"]):
            text = self.ctl(*words)
            self.assertIn("***", text)
            self.assertNotIn("hunter2", text)

    def test_one_setting_with_what_it_means(self):
        text = self.ctl("config", "worker.job_timeout")
        self.assertRegex(text, r"(?m)^value    30s$")
        self.assertRegex(text, r"(?m)^needs    a reload$")
        self.assertRegex(text, r"(?m)^meaning  A job that runs for longer is cancelled")
        self.daemon.configure({"job x.timeout": "7s", "job x.kind": "builtin"})
        one, = self.objects("config", "job x.timeout")
        self.assertEqual(one["value"], "7s")

    def test_none_that_is_not_there(self):
        for name in ("queue.ur", "url", "job x.timeout", "job.kind", ".", ""):
            done = self.run_ctl("config", name, status=64)
            self.assertIn("no such setting", done.errors)
        self.assertIn("one setting at a time",
                      self.run_ctl("config", "a.b", "c.d", status=64).errors)

    def test_what_is_right_beside_every_mistake(self):
        self.daemon.configure({"worker.concurrency": "many", "log.level": "loud"})
        done = self.run_ctl("config", status=78)
        self.assertIn("worker.concurrency", done.output)
        self.assertRegex(done.errors, r"concurrency: .*\n.*level: ")


class Compared(Config):
    def setUp(self):
        super().setUp()
        self.runtime = self.lab.directory / f"run-{self.daemon.name}"
        self.runtime.mkdir()
        self.daemon.environment["RUNTIME_DIRECTORY"] = str(self.runtime)
        self.daemon.configure({"worker.concurrency": "2", "job y.kind": "command",
                               "job y.program": "/bin/true"})

    def start_here(self):
        self.daemon.start().wait_ready()

    def test_all_is_as_the_daemon_has_it(self):
        self.start_here()
        self.assertIn(", and has all of this.", self.ctl("config").replace("\n", " "))
        self.assertFalse(any(line["pending"] for line in self.settings().values()))
        self.assertEqual((self.runtime / "settings.json").stat().st_mode & 0o777, 0o600)
        self.assertNotIn("horse", (self.runtime / "settings.json").read_text())

    def test_a_change_waits_for_a_reload_or_a_restart(self):
        self.start_here()
        self.daemon.configure({"worker.concurrency": "4", "log.level": "debug"})
        pending = {name: line["running"] for name, line in self.settings().items()
                   if line["pending"] and name != "database.url"}
        self.assertEqual(pending, {"worker.concurrency": "2", "log.level": "info"})
        notes = self.notes()
        self.assertEqual(notes["worker.concurrency"],
                         "the daemon still has 2; a restart changes it")
        self.assertEqual(notes["log.level"], "the daemon still has info; a reload changes it")
        self.daemon.reload("reloaded")
        pending = [name for name, line in self.settings().items() if line["pending"]]
        self.assertEqual(pending, ["worker.concurrency"])

    def test_a_reload_that_failed_has_changed_nothing(self):
        self.start_here()
        self.daemon.configure({"log.level": "loud"})
        self.daemon.reload()
        self.daemon.wait_line("nothing was changed")
        self.daemon.configure({"log.level": "debug"})
        self.assertEqual(self.settings()["log.level"]["running"], "info")

    def test_sections_come_and_go_with_a_reload(self):
        self.start_here()
        self.daemon.configure({"job y.kind": None, "job y.program": None, "job z.timeout": "5s"})
        notes = self.notes()
        self.assertEqual(notes["job z.kind"], "the daemon has no such section; a reload brings it")
        self.assertEqual(notes["job y.kind"], "its section is gone; a reload takes it away")
        gone = self.settings()["job y.program"]
        self.assertEqual((gone["value"], gone["running"], gone["pending"]),
                         (None, "/bin/true", True))

    def test_what_cannot_be_compared_is_known_by_its_files_time(self):
        variables = self.lab.directory / f"{self.daemon.name}.env"
        variables.write_text("A=1\n", encoding="utf-8")
        self.daemon.configure({"job y.environment_file": str(variables)})
        self.start_here()
        self.assertFalse(self.settings()["job y.environment_file"]["pending"])
        os.utime(variables, (2 ** 32, 2 ** 32))
        self.assertTrue(self.settings()["job y.environment_file"]["pending"])
        self.assertIn("its file was changed since the daemon read it",
                      self.notes()["job y.environment_file"])
        self.assertFalse(self.settings()["database.url"]["pending"])
        os.utime(self.daemon.file, (2 ** 32, 2 ** 32))
        self.assertTrue(self.settings()["database.url"]["pending"])

    def test_what_comes_from_an_environment_stays(self):
        self.daemon.environment["NEXUS_LOG_LEVEL"] = "warning"
        self.daemon.start()
        self.daemon.notify.feed.wait(re.compile("^READY=1$"), 10)
        self.daemon.environment["NEXUS_LOG_LEVEL"] = None
        self.daemon.environment["NEXUS_WORKER_JOB_TIMEOUT"] = "9s"
        notes = self.notes()
        self.assertIn("has warning from its environment NEXUS_LOG_LEVEL, which beats",
                      notes["log.level"])
        self.assertIn("environment NEXUS_WORKER_JOB_TIMEOUT of this shell", notes[
            "worker.job_timeout"])
        shown = self.settings()
        self.assertFalse(shown["log.level"]["pending"] or shown["worker.job_timeout"]["pending"])

    def test_one_that_runs_no_more_is_not_taken_for_one(self):
        self.start_here()
        self.daemon.kill()
        self.assertTrue((self.runtime / "settings.json").exists())
        self.assertIsNone(self.settings()["log.level"]["pending"])
        self.start_here()
        self.daemon.stop()
        self.assertEqual(list(self.runtime.iterdir()), [])

    def test_what_a_job_made_in_its_place_holds_nobody_up(self):
        shown, new = self.runtime / "settings.json", self.runtime / "settings.json.new"
        self.start_here()
        os.mkfifo(new)
        self.daemon.reload("reloaded")
        self.assertTrue(shown.is_file())
        new.symlink_to(self.runtime / "elsewhere")
        self.daemon.reload("reloaded")
        self.assertFalse(shown.is_symlink())
        self.assertEqual(list(self.runtime.iterdir()), [shown])
        new.mkdir()
        self.daemon.reload()
        self.daemon.wait_line("nexusctl config cannot tell what a reload would change")
        shown.rename(self.runtime / "before")
        for make, remove in ((os.mkfifo, os.unlink), (os.mkdir, os.rmdir), (huge, os.unlink),
                             (lambda path: os.symlink("/dev/zero", path), os.unlink)):
            make(shown)
            self.assertIn("cannot be read", self.ctl("config").replace("\n", " "))
            remove(shown)
        (self.runtime / "before").rename(shown)
        new.rmdir()

    def test_a_daemon_without_a_place_for_it_goes_without(self):
        self.daemon.environment["RUNTIME_DIRECTORY"] = None
        self.start_here()
        self.assertEqual(os.readlink(f"/proc/{self.daemon.process.pid}/fd/0"), os.devnull)
        self.assertIsNone(self.settings()["log.level"]["pending"])

    def test_a_daemon_that_cannot_write_it_runs_all_the_same(self):
        self.daemon.environment["RUNTIME_DIRECTORY"] = "/proc"
        self.start_here()
        self.daemon.wait_line("nexusctl config cannot tell what a reload would change")
        self.queue.send([body(*self.jobs.insert())])
        self.daemon.wait_line("outcome=completed")


if __name__ == "__main__":
    tap.main()
