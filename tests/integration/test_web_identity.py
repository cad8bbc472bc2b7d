"""A role for the token of another identity provider, from the local STS."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until
from lab.sqs import ACCOUNT

ROLE = f"arn:aws:iam::{ACCOUNT}:role/worker"
FIRST, NEXT = "eyJhbGciOiJSUzI1NiJ9.e30.Zmlyc3Q", "eyJhbGciOiJSUzI1NiJ9.e30.bmV4dA"


class AWebIdentity(Case):
    def setUp(self):
        super().setUp()
        self.addCleanup(self.sqs.forget_identities)
        self.token_file = self.lab.directory / "token"
        self.token_file.write_text(FIRST + "\n", encoding="ascii")

    def start_with_token(self):
        return self.configure(environment={
            "AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(self.token_file), "AWS_ROLE_ARN": ROLE,
            "AWS_ENDPOINT_URL_STS": self.sqs.endpoint}).start()

    def assert_silent_of_tokens(self, daemon):
        for token in (FIRST, NEXT):
            self.assertEqual(daemon.lines(token.rpartition(".")[2]), [])

    def test_is_enough_for_many_jobs(self):
        self.sqs.role(ROLE, web_identity_token=FIRST)
        daemon = self.start_with_token()
        daemon.wait_line("credentials: web identity, good until ")
        self.jobs.publish(count=100)
        self.jobs.wait_all("completed")
        self.assertEqual(self.jobs.runs(), {1: 100})
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)

    def test_is_waited_for_until_the_role_trusts_it(self):
        job, = self.jobs.publish()
        daemon = self.start_with_token()
        why = (f"denies AssumeRoleWithWebIdentity of {ROLE} .AccessDenied.: have the role's trust "
               "policy name the token's issuer, audience and subject")
        daemon.wait_line(why, within=60)
        self.sqs.role(ROLE, web_identity_token=FIRST)
        self.jobs.wait(job, "completed", within=40)
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)

    def test_that_was_renewed_renews_the_keys(self):
        self.sqs.role(ROLE, web_identity_token=FIRST, seconds=6)
        daemon = self.start_with_token().wait_ready()
        # From now on only the next token is good; the keys that there are end soon.
        self.token_file.write_text(NEXT, encoding="ascii")
        self.sqs.role(ROLE, web_identity_token=NEXT, expired_web_identity_token=FIRST)
        asked = self.sqs.stats()["AssumeRoleWithWebIdentity"]
        until(lambda: self.sqs.stats()["AssumeRoleWithWebIdentity"] != asked, within=10,
              what="another question for keys")
        self.sqs.advance(3)
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)


if __name__ == "__main__":
    tap.main()
