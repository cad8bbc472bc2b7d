"""To SQS through a proxy of the environment's."""

import ssl

from lab import tap
from lab.authority import Authority
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.postgres import free_port
from lab.relay import Proxy, TlsFront

USER = "worker:pr0xy-w0rd"


class AProxy(Case):
    def setUp(self):
        super().setUp()
        authority = Authority(self.lab.directory / f"authority-{self.queue.name}")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*authority.issue("good"))
        self.bundle = authority.bundle
        self.front = TlsFront(self.sqs.port, context)
        self.addCleanup(self.front.close)
        self.proxy = None

    def put_up(self, **options):
        self.proxy = Proxy(**options)
        self.addCleanup(self.proxy.close)
        return self.proxy

    def start_behind(self, port, user=USER, **environment):
        url = f"https://127.0.0.1:{self.front.port}/123456789012/{self.queue.name}"
        daemon = self.configure(queue=url, environment={
            "AWS_CA_BUNDLE": str(self.bundle),
            "HTTPS_PROXY": f"http://{user}@127.0.0.1:{port}", **environment})
        return daemon.start()

    def assert_said(self, daemon, port, what):
        daemon.wait_line(f" warning .*proxy 127.0.0.1:{port} of HTTPS_PROXY{what}")
        daemon.wait_status(f"proxy 127.0.0.1:{port}")

    def assert_works(self, daemon):
        job, = self.jobs.publish()
        self.jobs.wait(job, "completed", 45)
        self.assertEqual(daemon.stop(), 0)
        self.assertEqual(daemon.lines("w0rd"), [])

    def test_is_asked_for_everything(self):
        proxy = self.put_up(user=USER)
        self.assert_works(self.start_behind(proxy.port, http_proxy="http://127.0.0.1:1"))
        self.assertEqual(set(proxy.asked), {f"127.0.0.1:{self.front.port}"})
        self.assertEqual(self.front.n_connections, len(proxy.asked))

    def test_that_is_not_for_this_host_is_passed_by(self):
        proxy = self.put_up(user=USER)
        self.assert_works(self.start_behind(proxy.port, NO_PROXY="example.com,127.0.0.0/8"))
        self.assertEqual(proxy.n_connections, 0)

    def test_that_wants_another_password_is_named_and_works_when_that_is_right(self):
        proxy = self.put_up(user="worker:other")
        daemon = self.start_behind(proxy.port)
        self.assert_said(daemon, proxy.port, r" wants a user and a password \(407\)")
        proxy.user = USER
        self.assert_works(daemon)

    def test_that_refuses_is_named_and_works_when_it_does_not(self):
        proxy = self.put_up(status=403)
        daemon = self.start_behind(proxy.port)
        self.assert_said(daemon, proxy.port, r" refuses to connect \(403\): .* NO_PROXY")
        proxy.status = 200
        self.assert_works(daemon)

    def test_that_is_away_is_named_and_works_when_it_is_there(self):
        port = free_port()
        daemon = self.start_behind(port)
        self.assert_said(daemon, port, ": Connection refused")
        self.put_up(port=port)
        self.assert_works(daemon)


if __name__ == "__main__":
    tap.main()
