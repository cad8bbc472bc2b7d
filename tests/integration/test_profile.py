"""A profile of the shared files that says from whom credentials are to be had."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.sqs import ACCOUNT, KEY_ID, SECRET

WORKER, MIDDLE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("worker", "middle"))
KEYS = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"


class AProfile(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.sqs.forget_identities)
        self.config = self.lab.directory / "aws-config"

    def configure_with_profile(self, text):
        self.config.write_text(text, encoding="ascii")
        return self.configure(environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
            "AWS_CONFIG_FILE": str(self.config), "AWS_PROFILE": "worker",
            "AWS_ENDPOINT_URL_STS": self.sqs.endpoint})

    def work(self, daemon):
        self.jobs.publish(count=20)
        self.jobs.wait_all("completed")
        self.assertEqual(self.jobs.runs(), {1: 20})
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.lines(SECRET), [])

    def test_of_two_roles_one_after_the_other(self):
        self.sqs.role(MIDDLE, principal=KEY_ID, external_id="outside")
        self.sqs.role(WORKER)
        daemon = self.configure_with_profile(
            f"[profile worker]\nrole_arn = {WORKER}\nsource_profile = middle\n"
            f"[profile middle]\nrole_arn = {MIDDLE}\nsource_profile = base\nexternal_id = outside\n"
            f"[profile base]\n{KEYS}").start()
        daemon.wait_line(f"credentials: role {WORKER} of profile worker in {self.config}, assumed "
                         f"with role {MIDDLE} of profile middle in {self.config}, assumed with "
                         f"profile base in {self.config}, good until ")
        self.work(daemon)

    def test_of_a_program(self):
        script, told = self.lab.directory / "keys", self.lab.directory / "told"
        script.write_text(
            "#!/bin/sh\n"
            f"env >'{told}'\n"
            f"""echo '{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}'\n""",
            encoding="ascii")
        script.chmod(0o700)
        daemon = self.configure_with_profile(
            f"[profile worker]\ncredential_process = '{script}' --for 'the worker'\n").start()
        daemon.wait_line(f"credentials: credential_process of profile worker in {self.config}")
        self.work(daemon)
        seen = told.read_text(encoding="ascii")
        self.assertIn("AWS_PROFILE=worker\n", seen)
        self.assertNotIn("NOTIFY_SOCKET", seen)

    def test_of_a_program_that_fails_is_asked_again(self):
        script, working = self.lab.directory / "keys", self.lab.directory / "working"
        script.write_text(
            f"#!/bin/sh\n[ -e '{working}' ] || {{ echo the vault is sealed >&2; exit 4; }}\n"
            f"""echo '{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}'\n""",
            encoding="ascii")
        script.chmod(0o700)
        daemon = self.configure_with_profile(
            f"[profile worker]\ncredential_process = {script}\n").start()
        daemon.wait_line(f"{script} ended with status 4: the vault is sealed")
        working.touch()
        daemon.wait_line("credentials: credential_process of profile worker ", within=60)
        self.work(daemon)


if __name__ == "__main__":
    tap.main()
