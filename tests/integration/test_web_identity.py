"""A role for the token of another identity provider, from the local STS."""

from lab import tap
from lab.case import setUpModule, tearDownModule  # noqa: F401
from lab.identity import ROLE, Keyless

FIRST, NEXT = "eyJhbGciOiJSUzI1NiJ9.e30.Zmlyc3Q", "eyJhbGciOiJSUzI1NiJ9.e30.bmV4dA"


class AWebIdentity(Keyless):
    def start_with_token(self):
        path = self.write("token", FIRST + "\n")
        return self.configure(environment={"AWS_WEB_IDENTITY_TOKEN_FILE": path,
                                           "AWS_ROLE_ARN": ROLE}).start()

    def assert_silent_of_tokens(self, daemon):
        for token in (FIRST, NEXT):
            self.assertEqual(daemon.lines(token.rpartition(".")[2]), [])

    def test_is_enough_for_many_jobs(self):
        self.sqs.role(ROLE, web_identity_token=FIRST)
        daemon = self.start_with_token()
        daemon.wait_line(f"credentials: web identity as {ROLE}, good until ")
        self.jobs.publish(count=100)
        self.assert_all_done(100)
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)

    def test_is_waited_for_until_the_role_trusts_it(self):
        job, = self.jobs.publish()
        daemon = self.start_with_token()
        why = (f"denies AssumeRoleWithWebIdentity of {ROLE} .AccessDenied.: have the role's trust "
               "policy name the token's issuer, audience and subject")
        daemon.wait_line(why, within=10)
        self.sqs.role(ROLE, web_identity_token=FIRST)
        self.jobs.wait(job, "completed", within=40)
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)

    def test_is_told_to_nobody_in_the_clear(self):
        for name in "AWS_ENDPOINT_URL_STS", "AWS_ENDPOINT_URL":
            with self.subTest(name):
                daemon = self.configure(environment={
                    "AWS_WEB_IDENTITY_TOKEN_FILE": self.write("token", FIRST),
                    "AWS_ROLE_ARN": ROLE, "AWS_ENDPOINT_URL_STS": None,
                    name: "http://sts.invalid"}).start()
                daemon.wait_line("the token service is asked over https only, but its endpoint's "
                                 "URL begins with http: correct AWS_ENDPOINT_URL_STS or "
                                 "AWS_ENDPOINT_URL")
                self.assertEqual(daemon.wait(), 78)

    def test_that_was_renewed_renews_the_keys(self):
        self.sqs.role(ROLE, web_identity_token=FIRST, seconds=6)
        daemon = self.start_with_token().wait_ready()
        # From now on only the next token is good; the keys that there are end soon.
        self.write("token", NEXT)
        self.sqs.role(ROLE, web_identity_token=NEXT, expired_web_identity_token=FIRST)
        self.wait_answers("AssumeRoleWithWebIdentity", 1)
        self.sqs.advance(3)
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed")
        self.assertEqual(daemon.stop(), 0)
        self.assert_silent_of_tokens(daemon)


if __name__ == "__main__":
    tap.main()
