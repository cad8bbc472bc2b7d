"""What the documentation shows is what works."""

import re
import shutil
import socket
import subprocess
import sys
import textwrap
import unittest
import zipfile

from lab import javascript, tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.ctl import USER, nexusctl
from lab.feed import until
from lab.identity import Keyless
from lab.process import Process
from lab.sqs import ACCOUNT, KEY_ID, SECRET
from lab.world import ROOT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/nexus-worker-role-dev"
HELPER = "/usr/local/bin/aws_signing_helper"


def shown(document, word):
    """The one indented block of the document that has this text in it."""
    text = (ROOT / "docs" / document).read_text(encoding="utf-8")
    blocks = map(textwrap.dedent, re.findall(r"(?m)(?:^    .*\n|^\n(?=    ))+", text))
    block, = (block for block in blocks if word in block)
    return block.strip("\n") + "\n"


class Reliability(unittest.TestCase):
    """docs/reliability.md, and what it names."""

    text = (ROOT / "docs/reliability.md").read_text(encoding="utf-8")

    def ceilings(self):
        """Where each is, and what tests it."""
        rows = re.findall(r"(?m)^\|.*\|$", self.text.partition("## Ceilings")[2])[2:]
        self.assertGreater(len(rows), 30)
        return [row.split("|")[-3:-1] for row in rows]

    def test_names_tests_that_are_there(self):
        names = set(re.findall(r"\b(?:test|fuzz)_\w+", self.text))
        there = {path.stem for path in (ROOT / "tests").glob("*/*_*.*")}
        self.assertEqual(names - there, set())
        self.assertGreater(len(names), 40)
        cases = "\n".join(path.read_text(encoding="utf-8")
                          for path in (ROOT / "tests").glob("*/test_*.[cp]*"))
        named = [name for _, tests in self.ceilings() for name in re.findall(r"`(\w+)…?`", tests)]
        self.assertEqual([name for name in named if name not in cases], [])

    def test_names_ceilings_that_are_where_it_says(self):
        for where, _ in self.ceilings():
            for file, ceiling in re.findall(r"`([\w/-]+)(?:\.[ch])?`(?: ([A-Z_]+)\b)?", where):
                sources = [path.read_text(encoding="utf-8") for room in ("src", "include")
                           for path in (ROOT / room).glob(f"**/{file}.[ch]")]
                self.assertTrue([text for text in sources if ceiling in text], where)


class AProfileThatIsShown(Keyless):
    def file(self, word):
        """The file with this word in it, with this lab's keys for the dots."""
        return shown("aws.md", word).replace("AKIA…", KEY_ID).replace("= …", f"= {SECRET}")

    def assert_serves(self, name, text):
        self.write(name, text)
        self.assert_works(self.start())

    def test_has_a_users_keys(self):
        text = self.file("[default]\naws_access_key_id")
        self.assert_serves("credentials", text)

    def test_has_a_user_who_may_only_assume_the_role(self):
        self.sqs.role(ROLE, principal=KEY_ID)
        self.assert_serves("credentials", self.file("source_profile"))

    def test_has_the_helper_of_roles_anywhere(self):
        helper = self.write("helper", (
            "#!/bin/sh\n[ \"$1\" = credential-process ] && [ $# = 11 ] || exit 1\n"
            f"""echo '{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}'\n"""),
            0o700)
        self.assert_serves("config", self.file(HELPER).replace(HELPER, helper))


class AHandlerThatIsShown(Case):
    """Sections are used as they stand, but for paths and ports."""

    visibility = 4

    def settings(self, job_type, replacements, document="handlers.md"):
        """Of its section, with each text there replaced by that one."""
        heading, *lines = shown(document, f"[job {job_type}]\nkind").splitlines()
        self.assertEqual(heading, f"[job {job_type}]")
        text = dict(line.split(" = ", 1) for line in lines)
        for old, new in replacements.items():
            key, = (key for key, value in text.items() if old in value)
            text[key] = text[key].replace(old, str(new))
        return {f"job {job_type}.{key}": value for key, value in text.items()}

    def write(self, name, text):
        path = self.lab.directory / f"{self.queue.name}-{name}"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
        return path

    def test_is_a_command(self):
        lock = self.lab.directory / "locked"
        program = self.write("count-words", shown("handlers.md", "import json, os, sys").replace(
            "/run/lock/count-words", str(lock)))
        daemon = self.start(self.settings(
            "count-words", {"/usr/local/bin/count-words": program}))
        counted, = self.jobs.publish("count-words", {"text": "one two three"})
        self.jobs.wait(counted, "completed")
        daemon.wait_line(f"job={counted} stdout: 3 words in attempt 1$")
        wrong, = self.jobs.publish("count-words", {})
        self.assertEqual(self.jobs.wait(wrong, "failed").error, "payload: there is no text")
        lock.touch()
        busy, = self.jobs.publish("count-words", {"text": "one"})
        self.assertEqual(self.jobs.wait(busy, "failed").error, "somebody else counts")
        lock.unlink()
        self.jobs.wait(busy, "completed", attempts=2)

    def test_is_a_lambda_function(self):
        if reason := javascript.why_no_node():
            self.skipTest(reason)
        worker = self.lab.directory / "worker.zip"
        with zipfile.ZipFile(worker, "w") as archive:
            archive.writestr("handler.mjs", shown("handlers.md", "export const handler"))
        daemon = self.configure(self.settings(
            "generate-thumbnail", {"/srv/nexus-worker": self.lab.directory}))
        done = nexusctl(daemon, "deploy", "generate-thumbnail", worker, "--user", USER)
        self.assertEqual((done.status, done.errors), (0, ""))
        daemon.start().wait_ready()
        made, = self.jobs.publish("generate-thumbnail", {"key": "a.png"})
        self.jobs.wait(made, "completed", attempts=1)
        daemon.wait_line(f"job={made} stdout: {made}: a thumbnail of a.png$")
        wrong, = self.jobs.publish("generate-thumbnail", {})
        self.assertEqual(self.jobs.wait(wrong, "failed").error, "payload: there is no key")

    def test_is_a_function_that_comes_from_lambda(self):
        """Checked before and after its bundle is there, as the steps have it."""
        if reason := javascript.why_no_node():
            self.skipTest(reason)
        variables = self.write("variables", "STAGE=dev\n")
        worker = self.lab.directory / "from-lambda.zip"
        with zipfile.ZipFile(worker, "w") as archive:
            archive.writestr("handler.mjs", "if (!process.env.STAGE || !process.env.DATABASE_URL)"
                             " throw new Error('unset');\nexport const handler = async () => {};")
        daemon = self.configure(self.settings("generate-thumbnail", {
            "/srv/nexus-worker/": f"{self.lab.directory}/from-lambda-",
            "/etc/nexus-worker/generate-thumbnail.env": variables}, "migrate-from-lambda.md"),
            arguments=["--check-config"])
        daemon.start()
        self.assertEqual(daemon.wait(), 78)
        problem, = daemon.process.feed.lines
        self.assertRegex(problem, "bundle: .* No such file or directory")
        done = nexusctl(daemon, "deploy", "generate-thumbnail", worker, "--user", USER)
        self.assertEqual((done.status, done.errors), (0, ""))
        daemon.start()
        self.assertEqual(daemon.wait(), 0)

    def test_is_a_service(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        text = shown("handlers.md", "class Mail").replace("8080", str(port))
        service = Process(self.lab, "service", [sys.executable, self.write("service.py", text)])
        self.addCleanup(service.stop)
        until(lambda: socket.socket().connect_ex(("127.0.0.1", port)) == 0, what="a service")
        daemon = self.start(self.settings("send-mail", {"8080": port}))
        sent, = self.jobs.publish("send-mail", {"to": "somebody"})
        self.jobs.wait(sent, "completed")
        unsent, = self.jobs.publish("send-mail", {})
        daemon.wait_line(f"job={unsent} .* outcome=failed .* retry_in=2s "
                         "reason=the service answered 503")

    def test_is_compiled_in(self):
        self.assertIn("100%: Checks: 2", self.run_built_in(self.lab.directory / "tree"))

    def run_built_in(self, tree):
        """What its test says, in a copy of what it is put into."""
        shutil.copytree(ROOT / "include", tree / "include")
        for name in ("job.h", "job.c", "suite.h", "suite.c"):
            support = f"tests/support/test_{name}"
            self.put(tree / support, (ROOT / support).read_text(encoding="utf-8"))
        for name, word in (("include/handler/remove_upload.h", "handler_fn remove_upload_run;"),
                           ("src/handler/remove_upload.c", "#define UPLOADS"),
                           ("tests/unit/test_remove_upload.c", "START_TEST")):
            self.put(tree / name, shown("handlers.md", word))
        registry = (ROOT / "src/handler/registry.c").read_text(encoding="utf-8")
        for beside, more in (("#include \"handler/echo.h\"\n",
                              "#include \"handler/remove_upload.h\"\n"),
                             ("\t{.name = \"test-echo\", .run = echo_run},\n",
                              shown("handlers.md", ".run = remove_upload_run},"))):
            self.assertEqual(registry.count(beside), 1)
            registry = registry.replace(beside, beside + more)
        self.put(tree / "src/handler/registry.c", registry)
        self.compile(tree)
        return subprocess.run([tree / "test"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False).stdout

    @staticmethod
    def put(path, text):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def compile(self, tree):
        """The sources in the tree, with all else from what make has built, and as it did."""
        flags = subprocess.run(
            ["pkg-config", "--cflags", "--libs", "check", "jansson", "libsystemd", "libcurl",
             "openssl", "libpq", "expat", "libmicrohttpd", "libarchive"],
            stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        if sanitizers := self.lab.build.name.partition("sanitize-")[2]:
            flags.append(f"-fsanitize={sanitizers.replace('-', ',')}")
        if self.lab.build.name == "coverage":
            flags.append("--coverage")
        done = subprocess.run(
            ["cc", "-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-pthread",
             f"-I{tree / 'include'}", "-o", tree / "test",
             *tree.glob("src/*/*.c"), *tree.glob("tests/*/*.c"),
             self.lab.program("libnexus.a"), *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout)


if __name__ == "__main__":
    tap.main()
