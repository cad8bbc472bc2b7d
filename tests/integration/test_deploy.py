"""nexusctl deploy: new code for a job type while the daemon runs, and what runs now."""

import calendar
import json
import os
import re
import time
import zipfile

from lab import tap
from lab.ctl import USER
from lab.daemon import section
from lab.lambda_case import TYPE, LambdaCase, setUpModule, tearDownModule  # noqa: F401
from lab.process import is_alive

VERSION = r"\d{8}T\d{6}Z(\.\d)?"


# Of a member: where it stands in its local header, and in its entry of the central directory.
METHOD, CRC, COMPRESSED, SIZE, NAME = (8, 10), (14, 16), (18, 20), (22, 24), (30, 46)


def disagree(packed, number, in_directory, written):
    """Writes over it in one of the two places; what the other one says stays."""
    content = bytearray(packed.read_bytes())
    with zipfile.ZipFile(packed) as archive:
        local, directory = archive.infolist()[0].header_offset, archive.start_dir
    at = directory + number[1] if in_directory else local + number[0]
    content[at:at + len(written)] = written
    packed.write_bytes(content)
    return packed


class ADeployment(LambdaCase):
    def put(self, daemon, *words):
        return self.ctl(daemon, "deploy", TYPE, *words, "--user", USER)

    def version_of(self, daemon, job):
        return daemon.wait_line(rf"job={job} stdout: version (\w+), pid")[1]

    def assert_runs(self, daemon, version):
        """The next job does."""
        job = self.publish()
        self.assertEqual(self.version_of(daemon, job), version)
        self.jobs.wait(job, "completed")

    def seen(self):
        """All that lies there, and where the link leads."""
        return sorted(str(path) for path in self.bundles.rglob("*")), os.readlink(self.bundle)

    def assert_refused(self, daemon, why, *words):
        """Nothing changes."""
        before = self.seen()
        done = self.put(daemon, *words)
        self.assertEqual(done.status, 1, done.output)
        self.assertRegex(done.errors, why)
        self.assertEqual(self.seen(), before)

    def test_lets_jobs_that_run_end_on_the_old_code_and_new_ones_run_the_new(self):
        daemon = self.start_probe()
        running = self.publish(sleepMs=6000)
        old = self.runtime_of(daemon, running)
        said = self.deploy(daemon, self.zip("two"))
        self.assertRegex(said, r"(?m)^handler\.handler loads, in \d+ms$")
        self.assertRegex(said, rf"(?m)^before, {VERSION} ran; jobs that run end on it$")
        self.assertRegex(said, rf"(?m)^version +{VERSION}, since .*, \d+\.\d MiB$")
        self.assert_runs(daemon, "two")
        self.assert_row(running, status="processing")
        self.assertEqual(len(self.verify(daemon)["runtimes"]), 2)
        daemon.wait_line(f"job={running} stdout: version one is done")
        self.jobs.wait(running, "completed", attempts=1)
        self.assert_runs(daemon, "two")
        self.wait_gone(old)

    def test_leaves_nothing_of_its_trial_running(self):
        daemon = self.start_probe()
        pids = self.bundles / "pid"
        left = self.zip("two", {"handler.mjs": f"""
            import {{ spawn }} from "node:child_process";
            import fs from "node:fs";
            const child = spawn("sleep", ["1000"], {{ detached: true, stdio: "ignore" }});
            fs.writeFileSync({json.dumps(str(pids))}, String(child.pid));
            child.unref();
            export const handler = async () => {{}};
            """})
        done = self.put(daemon, left, "--dry-run")
        self.assertEqual(done.status, 0, done.errors)
        self.assertFalse(is_alive(int(pids.read_text())))

    def test_goes_back_by_rollback_and_keeps_three_versions(self):
        daemon = self.start_probe()
        for version in ("two", "three", "four"):
            self.deploy(daemon, self.zip(version))
        told = self.verify(daemon)
        self.assertEqual([each["runs"] for each in told["versions"]], [True, False, False])
        done = self.put(daemon, "--rollback")
        self.assertEqual(done.status, 0, done.errors)
        self.assertEqual(self.verify(daemon)["version"], told["versions"][1]["version"])
        self.assert_runs(daemon, "three")
        self.assertEqual(self.put(daemon, "--rollback").status, 0)
        self.assert_runs(daemon, "two")
        self.assert_refused(daemon, "nothing was changed: no version is older than", "--rollback")

    def test_that_cannot_be_is_refused_with_the_reason_and_changes_nothing(self):
        daemon = self.start_probe()
        self.assert_refused(
            daemon, r"the bundle does not load, and nothing was changed: no such\\nthumb\n$",
            self.zip("broken", {"handler.mjs": r"throw new Error('no such\nthumb');"}))
        self.assert_refused(
            daemon, "does not load, and nothing was changed: .*handler.handler is undefined",
            self.zip("empty", {"handler.mjs": "export const other = 1;"}))
        self.assert_refused(daemon, r"nothing was changed: .*\.\./escaped",
                            self.zip("rogue", {"../escaped": "here I am"}))
        self.assertFalse((self.bundles / "escaped").exists())
        no_zip = self.bundles / "text.zip"
        no_zip.write_text("not a ZIP file")
        self.assert_refused(daemon, r"nothing was changed: .*text\.zip: .* ZIP file", no_zip)
        self.assert_refused(daemon, r"nothing was changed: .*none\.zip: No such file",
                            self.bundles / "none.zip")
        self.assert_runs(daemon, "one")

    def test_of_a_file_that_a_zip_describes_in_two_ways_is_refused(self):
        daemon = self.start_probe()
        for number, why in ((COMPRESSED, "Inconsistent compressed size"),
                            (SIZE, "Inconsistent uncompressed size"),
                            (CRC, "Inconsistent CRC32 values")):
            for in_directory in (False, True):
                packed = disagree(self.zip("two"), number, in_directory, bytes((5, 0, 0, 0)))
                self.assert_refused(daemon, rf"nothing was changed: .*two\.zip: .*broken: {why}",
                                    packed)
        self.assert_runs(daemon, "one")

    def test_goes_by_the_name_and_the_method_beside_the_content(self):
        daemon = self.start_probe()
        self.assert_refused(daemon, r"nothing was changed: .*handler\.mjs: ZIP .* wrong size",
                            disagree(self.zip("two"), METHOD, False, b"\0\0"))
        self.assert_refused(daemon, r"nothing was changed: .*refused: \.\./dler\.mjs leaves",
                            disagree(self.zip("two"), NAME, False, b"../"))
        self.deploy(daemon, disagree(self.zip("two"), METHOD, True, b"\0\0"))
        self.deploy(daemon, disagree(self.zip("three"), NAME, True, b"../"))
        self.assertEqual(list(self.bundles.rglob("dler.mjs")), [])
        self.assert_runs(daemon, "three")

    def test_on_trial_loads_the_bundle_and_changes_nothing(self):
        daemon = self.start_probe()
        before = self.verify(daemon)
        packed = self.zip("two")
        seen = self.seen()
        done = self.put(daemon, packed, "--dry-run")
        self.assertEqual(done.status, 0, done.errors)
        self.assertRegex(done.output, r"^handler\.handler loads, in \d+ms$")
        self.assertEqual((self.verify(daemon), self.seen()), (before, seen))

    def test_of_a_type_that_has_no_bundle_ends_with_78(self):
        daemon = self.configure({**self.settings(), **section("test-echo", timeout="1s")})
        for job_type, why in (("send-fax", r"no section \[job send-fax\]"),
                              ("test-echo", r"\.conf:\d+: .*not of kind lambda")):
            done = self.ctl(daemon, "deploy", job_type, self.zip())
            self.assertEqual(done.status, 78)
            self.assertRegex(done.errors, why)
        self.assertFalse(self.bundle.exists())

    def test_turns_a_directory_that_was_put_there_by_hand_into_a_version(self):
        with zipfile.ZipFile(self.zip("hand")) as archive:
            archive.extractall(self.bundle)
        # However new it looks, it is older than what comes after it.
        os.utime(self.bundle, (time.time() + 100,) * 2)
        daemon = self.start(self.settings(rows="worker"))
        self.assert_runs(daemon, "hand")
        self.assertIsNone(self.verify(daemon)["version"])
        self.deploy(daemon, self.zip("two"))
        self.assert_runs(daemon, "two")
        self.assertEqual(self.put(daemon, "--rollback").status, 0)
        self.assert_runs(daemon, "hand")


class Verifying(LambdaCase):
    def test_tells_version_time_size_runtimes_and_versions(self):
        begun = time.time()
        daemon = self.start_probe()
        told = self.verify(daemon)
        self.assertEqual((told["type"], told["bundle"]), (TYPE, str(self.bundle)))
        self.assertRegex(told["version"], f"^{VERSION}$")
        self.assertEqual(self.bundle.resolve().name, told["version"])
        since = calendar.timegm(time.strptime(told["since"], "%Y-%m-%dT%H:%M:%SZ"))
        self.assertTrue(int(begun) <= since <= time.time(), told["since"])
        size = sum(path.stat().st_size for path in self.bundle.iterdir())
        self.assertEqual(told["versions"], [
            {"version": told["version"], "size_bytes": size, "runs": True}])
        self.assertEqual(told["runtimes"], [])
        self.assertRegex(self.ctl(daemon, "deploy", TYPE).output,
                         "(?m)^runtimes +none; the next job starts one$")

        runtime = self.runtime_of(daemon, self.publish())
        seen, = self.verify(daemon)["runtimes"]
        self.assertEqual((seen["pid"], seen["version"]), (runtime, told["version"]))
        self.assertGreater(seen["memory_bytes"], 1 << 20)
        self.assertLess(seen["age_seconds"], 60)
        self.assert_tells_in_words(daemon, told["version"], runtime)

    def test_steers_no_terminal_in_json(self):
        bundle = self.bundles / "\u202eeldnub"
        done = self.ctl(self.configure(self.settings(bundle=bundle)), "--json", "deploy", TYPE)
        self.assertTrue(done.output.isascii(), done.output)
        self.assertEqual(json.loads(done.output)["bundle"], str(bundle))

    def assert_tells_in_words(self, daemon, version, runtime):
        said = self.ctl(daemon, "deploy", TYPE).output
        for line in (f"type +{TYPE}", f"bundle +{re.escape(str(self.bundle))}",
                     rf"version +{version}, since 20.*Z, \d+\.\d MiB",
                     rf"kept +{version}, \d+\.\d MiB, runs",
                     rf"runtimes +pid {runtime}, version {version}, up .*, \d+\.\d MiB"):
            self.assertRegex(said, f"(?m)^{line}$")


if __name__ == "__main__":
    tap.main()
