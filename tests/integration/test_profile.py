"""A profile of the shared files that says from whom credentials are to be had."""

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.identity import Keyless
from lab.sqs import ACCOUNT, KEY_ID, SECRET

WORKER, MIDDLE = (f"arn:aws:iam::{ACCOUNT}:role/{name}" for name in ("worker", "middle"))
KEYS = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"


def program(then):
    """A program that hands out keys, after it has done that."""
    return (f"#!/bin/sh\n{then}\n"
            f"""echo '{{"Version":1,"AccessKeyId":"{KEY_ID}","SecretAccessKey":"{SECRET}"}}'\n""")


class AProfile(Keyless):
    def configure_with_profile(self, text, **environment):
        self.config = self.write("config", text)
        return self.configure(environment={"AWS_PROFILE": "worker", **environment})

    def work(self, daemon):
        self.jobs.publish(count=20)
        self.assert_all_done(20)
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

    def test_of_a_role_with_an_instances_keys(self):
        self.sqs.metadata(role="instance", seconds=3600)
        self.sqs.role(WORKER)
        daemon = self.configure_with_profile(
            f"[profile worker]\nrole_arn = {WORKER}\ncredential_source = Ec2InstanceMetadata\n",
            **self.on_instance()).start()
        daemon.wait_line(f"credentials: role {WORKER} of profile worker in {self.config}, assumed "
                         "with instance metadata.*, good until ")
        self.work(daemon)

    def test_of_a_role_that_it_may_not_assume_is_waited_for(self):
        self.sqs.role(WORKER, principal="AKIASOMEBODYELSE0000")
        daemon = self.configure_with_profile(
            f"[profile worker]\nrole_arn = {WORKER}\nsource_profile = base\n"
            f"[profile base]\n{KEYS}").start()
        daemon.wait_line(f" warning .*denies AssumeRole of {WORKER} with the keys of profile base")
        self.sqs.role(WORKER, principal=KEY_ID)
        self.assert_works(daemon, within=45)

    def test_that_is_edited_is_read_again_when_aws_refuses_its_keys(self):
        daemon = self.configure_with_profile(
            "[profile worker]\naws_access_key_id = AKIAOLD\naws_secret_access_key = x\n").start()
        daemon.wait_line(" warning .*UnrecognizedClientException")
        self.write("config", "[profile worker]\n" + KEYS)
        self.assert_works(daemon, within=45)

    def test_of_a_program(self):
        told = self.directory / "told"
        script = self.write("keys", program(f"env >'{told}'"), 0o700)
        daemon = self.configure_with_profile(
            f"[profile worker]\ncredential_process = '{script}' --for 'the worker'\n").start()
        daemon.wait_line(f"credentials: credential_process of profile worker in {self.config}")
        self.work(daemon)
        seen = told.read_text(encoding="ascii")
        self.assertIn("AWS_PROFILE=worker\n", seen)
        self.assertNotIn("NOTIFY_SOCKET", seen)

    def test_of_a_program_that_fails_is_asked_again(self):
        works = self.directory / "works"
        script = self.write("keys", program(
            f"[ -e '{works}' ] || {{ echo the vault is sealed >&2; exit 4; }}"), 0o700)
        daemon = self.configure_with_profile(
            f"[profile worker]\ncredential_process = {script}\n").start()
        daemon.wait_line(f"{script} ended with status 4: the vault is sealed")
        works.touch()
        daemon.wait_line("credentials: credential_process of profile worker ", within=60)
        self.work(daemon)


if __name__ == "__main__":
    tap.main()
