"""https:// to SQS: whom the daemon trusts, and what it says of those whom it does not."""

import itertools
import ssl

from lab import tap
from lab.authority import Authority
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
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
