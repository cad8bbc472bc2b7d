"""What SQS, or whatever stands before it, may answer to a receive: waited out, and said once."""

from lab import tap
from lab.case import Case, setUpModule, tearDownModule  # noqa: F401
from lab.feed import until

JOBS = 30
JSON = "application/x-amz-json-1.0"


def refusal(status, code, message=""):
    return {"kind": "status", "status": status, "code": code, "message": message}


def answer(status, content_type, body):
    return {"kind": "raw", "status": status, "content_type": content_type, "body": body}


# What happens, and the line that says so.
FAULTS = {
    "throttling": (refusal(403, "RequestThrottled"), "throttles ReceiveMessage"),
    "too_many_in_flight": (refusal(403, "OverLimit"), "too many messages .* in flight"),
    "an_outage_of_the_service": (refusal(503, "ServiceUnavailable"), "cannot serve .*503"),
    "a_portal's_page": (answer(200, "text/html", "<html>Please log in</html>"),
                        "HTTP 200 and an HTML body: is a proxy or portal in between"),
    "an_answer_that_ends_early": (answer(200, JSON, '{"Messages":[{"Bo'), "JSON that ends early"),
    "an_answer_that_is_too_large": ({"kind": "too-large"}, "no answer of SQS's from 127.0.0.1"),
    "a_denial": (refusal(403, "AccessDeniedException", "not authorized to"),
                 "access denied to sqs:ReceiveMessage .*: grant it; not authorized to"),
    "a_denial_in_xml": (answer(403, "text/xml", "<ErrorResponse><Error><Code>AccessDenied</Code>"
                               "</Error></ErrorResponse>"), "denied to sqs:ReceiveMessage"),
    "a_denial_of_the_key": (refusal(400, "KmsAccessDenied"), "KMS key .*grant kms:Decrypt"),
    "a_missing_queue": (refusal(400, "QueueDoesNotExist"), "queue jobs-.* is not there"),
    "an_expired_token": (refusal(403, "ExpiredTokenException"), "renew the credentials"),
    "an_unknown_refusal": (refusal(418, "IAmATeapot", "short and stout"),
                           "refused ReceiveMessage .*IAmATeapot: short and stout"),
    "a_cut_connection": ({"kind": "cut-before"}, "no answer from 127.0.0.1"),
}


class Receiving(Case):
    def check(self, fault, line):
        daemon = self.start()
        until(lambda: self.queue.inside()["waiting"], what="a poll that waits")
        self.sqs.fault(action="ReceiveMessage", count=2, **fault)
        self.jobs.publish(count=JOBS)
        self.assert_all_done(JOBS)
        self.assertEqual(len(daemon.lines(f" warning .*{line}")), 1)
        self.assertEqual(len(daemon.lines(" warning | error ")), 1)
        daemon.wait_line(" notice .*receiving works again, after")
        self.assertEqual(daemon.stop(), 0)


def _test(fault, line):
    return lambda self: self.check(fault, line)


for _name, _what in FAULTS.items():
    setattr(Receiving, f"test_waits_out_{_name}", _test(*_what))


class AnAnswerThatIsLost(Case):
    visibility = 4

    def check(self, kind, line):
        self.sqs.fault(action="ReceiveMessage", kind=kind)
        job, = self.jobs.publish()
        daemon = self.start()
        daemon.wait_line(f" warning .*{line}")
        daemon.wait_line(f"job={job} .*receive=2 outcome=completed")
        self.assert_all_done(1, received=2)
        self.assertEqual(len(daemon.lines(" warning | error ")), 1)

    def test_half_way_costs_its_messages_one_receive(self):
        self.check("truncate", "no answer from 127.0.0.1")

    def test_in_noise_costs_its_messages_one_receive(self):
        self.check("garble", "a body that is not JSON")


if __name__ == "__main__":
    tap.main()
