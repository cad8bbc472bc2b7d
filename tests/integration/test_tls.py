"""https:// to SQS: whom the daemon trusts, and what it says of those whom it does not."""

import itertools
import ssl

from lab import tap
from lab.authority import Authority
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.ctl import USER, nexusctl
from lab.daemon import section
from lab.identity import ROLE
from lab.relay import TlsFront

_numbers = itertools.count(1)


class Tls(Case):
    def setUp(self):
        super().setUp()
        self.authority = Authority(self.lab.directory / f"authority-{next(_numbers)}")
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.front = TlsFront(self.sqs.port, self.context)
        self.addCleanup(self.front.close)

    def show(self, name, **options):
        """The server's certificate from now on."""
        self.context.load_cert_chain(*self.authority.issue(name, **options))

    def configure_over_tls(self, port=None, bundle=None, **options):
        url = f"https://127.0.0.1:{port or self.front.port}/123456789012/{self.queue.name}"
        environment = {"AWS_CA_BUNDLE": str(bundle or self.authority.bundle)}
        return self.configure(queue=url, environment=environment, **options)

    def assert_refused_until_it_is_good(self, why):
        job, = self.jobs.publish()
        daemon = self.configure_over_tls().start()
        daemon.wait_line(f" warning .*no answer from 127.0.0.1: {why}")
        daemon.wait_status(why)
        self.assertEqual(self.queue.counts(), (1, 0))
        self.show("good")
        self.jobs.wait(job, "completed", 45)
        self.assertEqual(daemon.stop(), 0)


class OverTls(Tls):
    def test_jobs_are_done_on_few_connections(self):
        self.show("good")
        daemon = self.configure_over_tls().start().wait_ready()
        self.jobs.publish(count=300)
        self.assert_all_done(300)
        self.assertEqual(daemon.stop(), 0)
        self.assertLess(self.front.n_connections, 40)

    def test_connections_that_are_cut_are_opened_again(self):
        self.show("good")
        daemon = self.configure_over_tls().start().wait_ready()
        for _ in range(3):
            self.front.cut()
            job, = self.jobs.publish()
            self.jobs.wait(job, "completed", 30)
        self.assertEqual(daemon.stop(), 0)

    def run_by_hand(self, **environment):
        """By nexusctl: a program that waits for credentials, of a role that STS has for a token."""
        token, asks = self.lab.directory / "token", self.lab.directory / "asks"
        token.write_text("eyJhbGciOiJSUzI1NiJ9.e30.Zmlyc3Q")
        asks.write_text("#!/bin/sh\nuntil curl --silent --fail --output /dev/null --header "
                        '"Authorization: $AWS_CONTAINER_AUTHORIZATION_TOKEN" '
                        '"$AWS_CONTAINER_CREDENTIALS_FULL_URI"; do sleep 0.02; done\n')
        asks.chmod(0o755)
        self.sqs.role(ROLE, web_identity_token=token.read_text())
        self.addCleanup(self.sqs.forget_identities)
        daemon = self.configure(
            section("ask", kind="command", program=asks, timeout="2s"),
            environment={"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None,
                         "AWS_WEB_IDENTITY_TOKEN_FILE": str(token), "AWS_ROLE_ARN": ROLE,
                         "AWS_ENDPOINT_URL_STS": f"https://127.0.0.1:{self.front.port}",
                         **environment})
        return nexusctl(daemon, "run", "ask", "--user", USER)

    def test_a_handler_that_is_run_by_hand_has_credentials(self):
        self.show("good")
        done = self.run_by_hand(AWS_CA_BUNDLE=str(self.authority.bundle))
        self.assertEqual(done.status, 0, done.errors)

    def test_who_runs_a_handler_by_hand_is_told_why_it_has_none(self):
        self.show("good")
        done = self.run_by_hand()
        self.assertEqual(done.status, 1)
        self.assertRegex(done.errors, "the handler gets no AWS credentials for now: .*no answer "
                                      "from 127.0.0.1 .*AWS_CA_BUNDLE")


class ACertificate(Tls):
    def test_for_another_name_is_refused(self):
        self.show("other", alternative="DNS:elsewhere.example")
        self.assert_refused_until_it_is_good("its certificate is for another name: ")

    def test_that_has_expired_is_refused(self):
        self.show("old", until="20210101")
        self.assert_refused_until_it_is_good("its certificate has expired, or this machine's clock")

    def test_that_is_not_valid_yet_is_refused(self):
        self.show("young", since="20490101")
        self.assert_refused_until_it_is_good("its certificate is not valid yet")

    def test_of_another_authority_is_refused_until_the_bundle_has_it(self):
        self.show("good")
        other = Authority(self.lab.directory / f"authority-{next(_numbers)}")
        job, = self.jobs.publish()
        daemon = self.configure_over_tls(bundle=other.bundle).start()
        daemon.wait_line(f"signed by an authority, which is not in {other.bundle}: add it")
        self.assertEqual(self.queue.counts(), (1, 0))
        self.assertEqual(daemon.stop(), 0)

        daemon = self.configure_over_tls().start()
        self.jobs.wait(job, "completed")
        self.assertEqual(daemon.stop(), 0)

    def test_is_missed_where_nobody_speaks_tls(self):
        daemon = self.configure_over_tls(port=self.sqs.port).start()
        daemon.wait_line(f" warning .*TLS fails at its port {self.sqs.port}: is it one for http")
        self.assertEqual(daemon.stop(), 0)


class ABundle(Tls):
    def assert_is_a_mistake(self, bundle, why):
        for arguments in ([], ["--check-config"]):
            daemon = self.configure_over_tls(bundle=bundle, arguments=arguments).start()
            self.assertEqual(daemon.wait(), 78)
            daemon.wait_line(f"environment AWS_CA_BUNDLE: {bundle}: {why}, accepted is")

    def test_that_is_not_there_ends_the_start(self):
        self.assert_is_a_mistake(self.lab.directory / "no-such-file", "No such file or directory")

    def test_that_is_a_directory_ends_the_start(self):
        self.assert_is_a_mistake(self.lab.directory, "Is a directory")

    def test_without_a_certificate_ends_the_start(self):
        self.assert_is_a_mistake("/dev/null", "holds no certificate, or a broken one")


if __name__ == "__main__":
    tap.main()
