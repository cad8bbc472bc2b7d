"""What is wrong with a section [job TYPE], found by --check-config, with its place and its cure."""

from lab import tap
from lab.daemon import section
from lab.lambda_case import LambdaCase, setUpModule, tearDownModule  # noqa: F401
from lab.postgres import free_port


class ASection(LambdaCase):
    def check(self, **keys):
        """The lines of --check-config for that section, and its status."""
        daemon = self.configure(section("send-fax", **keys), arguments=["--check-config"]).start()
        status = daemon.wait()
        return status, [match.string for match in daemon.lines("")], daemon.file

    def assert_found(self, key, why, **keys):
        """One line, with the place of the key."""
        status, lines, file = self.check(**keys)
        self.assertEqual(status, 78, lines)
        number = max(number for number, line in enumerate(file.read_text().splitlines(), 1)
                     if line.startswith(f"{key} ="))
        line, = lines
        self.assertTrue(line.startswith(f"{file}:{number}: {key}: "), line)
        self.assertRegex(line, why)

    def test_of_an_unknown_kind_is_told_the_kinds(self):
        self.assert_found("kind", "fax.* accepted is builtin, command, lambda or http",
                          kind="fax")

    def test_whose_program_cannot_run_is_told_why(self):
        script = self.bundles / "script"
        self.assert_found("program", f"{script}: No such file or directory.* accepted is",
                          kind="command", program=script)
        script.touch(mode=0o644)
        self.assert_found("program", f"{script}: it may not be executed .chmod .x makes it so",
                          kind="command", program=script)

    def test_whose_bundle_is_not_there_is_told_so(self):
        self.assert_found("bundle", f"{self.bundle}: No such file or directory.* accepted is",
                          kind="lambda", bundle=self.bundle)

    def test_whose_bundle_lacks_the_handler_is_told_what_it_may_be(self):
        self.bundle.mkdir()
        self.assert_found("handler", r"index\.main: .*no such module.* accepted is FILE.EXPORT",
                          kind="lambda", bundle=self.bundle, handler="index.main")

    def test_whose_service_does_not_answer_is_told_so(self):
        port = free_port()
        self.assert_found("url", f"127.0.0.1:{port}.*refused", kind="http",
                          url=f"http://127.0.0.1:{port}/jobs")


if __name__ == "__main__":
    tap.main()
