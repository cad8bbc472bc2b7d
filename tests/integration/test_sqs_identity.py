"""The services of the local SQS from which AWS credentials come, asked with http.client, and by
botocore, which shares no code with them.

What they issue is tried where it counts: on a request to SQS.
"""

import datetime
import http.client
import json
import os
import socket
import time
import urllib.parse
import xml.etree.ElementTree
from typing import NamedTuple, Optional
from unittest import mock

import botocore.config
import botocore.exceptions
import botocore.session

from lab import tap
from lab.feed import until
from lab.sigv4 import Signer
from lab.sqs import ACCOUNT, KEY_ID, REGION, SECRET, Client, SqsError
from lab.sqs_case import Server, setUpModule  # noqa: F401

FORM = "application/x-www-form-urlencoded"
NAMESPACE = "{https://sts.amazonaws.com/doc/2011-06-15/}"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/path/worker"
TTL = "X-aws-ec2-metadata-token-ttl-seconds"
METADATA = "/latest/meta-data"
CREDENTIALS = f"{METADATA}/iam/security-credentials/"


class Keys(NamedTuple):
    id: str
    secret: str
    token: Optional[str] = None


PUBLISHER = Keys(KEY_ID, SECRET)


class Answer(NamedTuple):
    status: int
    headers: http.client.HTTPMessage
    text: str

    def json(self):
        return json.loads(self.text)


def seconds_until(moment):
    """From now to a moment as answers show it."""
    then = datetime.datetime.strptime(moment + "+0000", "%Y-%m-%dT%H:%M:%SZ%z")
    return then.timestamp() - time.time()


class Case(Server):
    """A fresh server with one queue."""

    def setUp(self):
        super().setUp()
        self.queue = self.sqs.create_queue("jobs")

    def http(self, method, path, body=None, headers=None):
        """On a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.sqs.port, timeout=10)
        try:
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def call(self, keys, action="GetQueueAttributes"):
        client = Client(self.sqs.port, *keys)
        try:
            return client.call(action, QueueUrl=self.queue.url)
        finally:
            client.close()

    def assert_good(self, keys):
        """SQS accepts what is signed with them."""
        self.call(keys)

    def assert_refused(self, keys, code, action="GetQueueAttributes", words=""):
        with self.assertRaises(SqsError) as caught:
            self.call(keys, action)
        self.assertEqual((caught.exception.status, caught.exception.code), (403, code))
        self.assertIn(words, str(caught.exception))

    def assert_stats(self, **expected):
        stats = self.sqs.stats()
        self.assertEqual({name: stats.get(name) for name in expected}, expected)


class StsCase(Case):
    def sts(self, action, keys=PUBLISHER, service="sts", version="2011-06-15", **parameters):
        """Status and XML of what STS answers; without keys the request is not signed."""
        body = urllib.parse.urlencode({"Action": action, "Version": version, **parameters}).encode()
        headers = {"host": self.sqs.client.host, "content-type": f"{FORM}; charset=utf-8"}
        if keys:
            signer = Signer(keys.id, keys.secret, REGION, service, keys.token)
            headers = signer.sign(headers, body)
        answer = self.http("POST", "/", body, headers)
        self.assertEqual(answer.headers["content-type"], "text/xml")
        return answer.status, xml.etree.ElementTree.fromstring(answer.text)

    def assume(self, **parameters):
        return self.sts("AssumeRole", **{"RoleArn": ROLE, "RoleSessionName": "me", **parameters})

    def assume_with(self, token, **parameters):
        return self.sts("AssumeRoleWithWebIdentity", keys=None, **{
            "RoleArn": ROLE, "RoleSessionName": "pod", "WebIdentityToken": token, **parameters})

    def text(self, root, path):
        found = root.find("/".join(NAMESPACE + name for name in path.split("/")))
        self.assertIsNotNone(found, f"no {path}")
        return found.text

    def keys_of(self, answer, action="AssumeRole"):
        """The keys, and when they are said to end."""
        status, root = answer
        self.assertEqual((status, root.tag), (200, f"{NAMESPACE}{action}Response"))
        at = f"{action}Result/Credentials"
        keys = Keys(*(self.text(root, f"{at}/{name}")
                      for name in ("AccessKeyId", "SecretAccessKey", "SessionToken")))
        return keys, self.text(root, f"{at}/Expiration")

    def assert_error(self, answer, status, code, words=""):
        self.assertEqual((answer[0], answer[1].tag), (status, f"{NAMESPACE}ErrorResponse"))
        self.assertEqual((self.text(answer[1], "Error/Type"), self.text(answer[1], "Error/Code")),
                         ("Sender", code))
        self.assertIn(words, self.text(answer[1], "Error/Message"))
        self.assertRegex(self.text(answer[1], "RequestId"), r"^[0-9a-f-]{36}$")


class AnAssumedRole(StsCase):
    def setUp(self):
        super().setUp()
        self.sqs.role(ROLE)

    def test_is_answered_as_by_aws(self):
        status, root = answer = self.assume(RoleSessionName="some.one@host")
        keys, expiration = self.keys_of(answer)
        self.assertRegex(keys.id, r"^ASIA[A-Z2-7]{16}$")
        self.assertRegex(keys.secret, r"^[A-Za-z0-9/+]{40}$")
        self.assertTrue(3598 < seconds_until(expiration) <= 3601)
        user = "AssumeRoleResult/AssumedRoleUser/"
        self.assertEqual(self.text(root, user + "Arn"),
                         f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/some.one@host")
        self.assertRegex(self.text(root, user + "AssumedRoleId"),
                         r"^AROA[A-Z2-7]{17}:some\.one@host$")
        self.assertRegex(self.text(root, "ResponseMetadata/RequestId"), r"^[0-9a-f-]{36}$")

    def test_may_do_what_it_may_and_nothing_else(self):
        self.sqs.role(ROLE, actions=["GetQueueAttributes"])
        keys, _ = self.keys_of(self.assume())
        self.assert_good(keys)
        self.assert_refused(keys, "AccessDeniedException", "ReceiveMessage",
                            f"User: arn:aws:sts::{ACCOUNT}:assumed-role/worker/me is not")

    def test_is_other_keys_each_time_and_all_are_good(self):
        many = [self.keys_of(self.assume())[0] for _ in range(3)]
        self.assertEqual(len(set(many)), 3)
        for keys in many:
            self.assert_good(keys)

    def test_is_never_shorter_than_asked_for(self):
        asked_at = time.time()
        left = seconds_until(self.keys_of(self.assume(DurationSeconds=900))[1])
        self.assertGreaterEqual(time.time() + left, asked_at + 899.999)

    def test_ends_when_the_time_asked_for_is_over(self):
        keys, expiration = self.keys_of(self.assume(DurationSeconds=900))
        self.assertTrue(898 < seconds_until(expiration) <= 901)
        self.sqs.advance(890)
        self.assert_good(keys)
        self.sqs.advance(11)
        self.assert_refused(keys, "ExpiredTokenException", words="is expired")

    def test_may_live_shorter_than_aws_allows_and_ends_when_it_says(self):
        self.sqs.role(ROLE, seconds=0.5)
        keys, expiration = self.keys_of(self.assume())
        self.assert_good(keys)
        self.assertLessEqual(seconds_until(expiration), 1.5)

        def is_over():
            try:
                self.assert_good(keys)
                return False
            except SqsError as error:
                self.assertEqual(error.code, "ExpiredTokenException")
                return True
        until(is_over, what="keys that have expired")
        self.assertLessEqual(seconds_until(expiration), 0)

    def test_needs_its_own_session_token(self):
        keys, _ = self.keys_of(self.assume())
        other, _ = self.keys_of(self.assume())
        for token in (None, other.token, keys.token + "x"):
            self.assert_refused(keys._replace(token=token), "UnrecognizedClientException")

    def test_shows_the_moment_of_a_wrong_clock_but_lives_as_long(self):
        self.sqs.client.control("POST", "clock", {"skew": 120})
        keys, expiration = self.keys_of(self.assume(DurationSeconds=900))
        self.assertTrue(1018 < seconds_until(expiration) <= 1021)
        self.sqs.advance(890)
        self.assert_good(keys)
        self.sqs.advance(11)
        self.assert_refused(keys, "ExpiredTokenException")

    def test_of_a_role_may_be_assumed_from_another_but_for_an_hour_only(self):
        keys, _ = self.keys_of(self.assume())
        chained, _ = self.keys_of(self.assume(keys=keys))
        self.assert_good(chained)
        self.assert_error(self.assume(keys=keys, DurationSeconds=3601), 400, "ValidationError",
                          "role chaining")
        self.keys_of(self.assume(DurationSeconds=3601))

    def test_is_asked_for_with_parameters_that_are_right(self):
        def null(name):
            return f"Value null at '{name}' failed to satisfy constraint: Member must not be null"
        for changes, words in (
                ({"RoleArn": None}, null("roleArn")),
                ({"RoleSessionName": None}, null("roleSessionName")),
                ({"RoleArn": "arn:aws:iam::1:role"}, "length greater than or equal to 20"),
                ({"RoleArn": ROLE + "x" * 2048}, "length less than or equal to 2048"),
                ({"RoleSessionName": "m"}, "Value 'm' at 'roleSessionName' failed"),
                ({"RoleSessionName": "m"}, "length greater than or equal to 2"),
                ({"RoleSessionName": "m" * 65}, "length less than or equal to 64"),
                ({"RoleSessionName": "my name"}, r"pattern: [\w+=,.@-]*"),
                ({"RoleSessionName": "<größe>"}, r"pattern: [\w+=,.@-]*"),
                ({"ExternalId": "x"}, "length greater than or equal to 2"),
                ({"ExternalId": "x" * 1225}, "length less than or equal to 1224"),
                ({"ExternalId": "an id"}, "regular expression"),
                ({"DurationSeconds": "899"}, "value greater than or equal to 900"),
                ({"DurationSeconds": "43201"}, "value less than or equal to 43200"),
                ({"DurationSeconds": "1h"}, "at 'durationSeconds'")):
            given = {"RoleArn": ROLE, "RoleSessionName": "me", **changes}
            answer = self.sts("AssumeRole", **{k: v for k, v in given.items() if v is not None})
            self.assert_error(answer, 400, "ValidationError", words)
        for duration in (900, 43200):
            self.keys_of(self.assume(DurationSeconds=duration, RoleSessionName="m_+=,.@-" * 8))

    def test_is_denied_where_there_is_no_such_role(self):
        self.assert_error(self.assume(RoleArn=ROLE + "s"), 403, "AccessDenied",
                          f"User: arn:aws:iam::{ACCOUNT}:user/{KEY_ID} is not authorized to "
                          f"perform: sts:AssumeRole on resource: {ROLE}s")

    def test_is_given_to_its_principal_only(self):
        other = Keys("AKIAOTHER00000000000", "s")
        self.sqs.add_key(*other[:2], actions=["ReceiveMessage"])
        self.sqs.role(ROLE, principal=other.id)
        self.keys_of(self.assume(keys=other))
        self.assert_error(self.assume(), 403, "AccessDenied")

    def test_without_a_principal_needs_the_permission(self):
        for actions, status in ((["ReceiveMessage"], 403), (["AssumeRole"], 200)):
            self.sqs.add_key("AKIAOTHER00000000000", "s", actions=actions)
            self.assertEqual(self.assume(keys=Keys("AKIAOTHER00000000000", "s"))[0], status)

    def test_with_an_external_id_needs_it(self):
        self.sqs.role(ROLE, external_id="ours:1/2")
        self.keys_of(self.assume(ExternalId="ours:1/2"))
        self.assert_error(self.assume(ExternalId="ours:1/3"), 403, "AccessDenied")
        self.assert_error(self.assume(), 403, "AccessDenied")

    def test_for_web_identities_is_not_for_keys(self):
        self.sqs.role(ROLE, web_identity_token="a token")
        self.assert_error(self.assume(), 403, "AccessDenied")

    def test_is_changed_by_what_is_named_and_forgotten_with_all(self):
        self.sqs.role(ROLE, external_id="ours", actions=["GetQueueAttributes"])
        self.sqs.role(ROLE, external_id=None)
        self.assert_refused(self.keys_of(self.assume())[0], "AccessDeniedException",
                            "ReceiveMessage")
        self.sqs.role(ROLE, web_identity_token="a token", actions=None, seconds=60)
        self.sqs.role(ROLE, web_identity_token=None, seconds=None)
        keys, expiration = self.keys_of(self.assume())
        self.call(keys, "ReceiveMessage")
        self.assertGreater(seconds_until(expiration), 3590)
        self.sqs.forget_identities()
        self.assert_error(self.assume(), 403, "AccessDenied")


class StsItself(StsCase):
    def test_wants_a_signature_that_is_right_and_for_it(self):
        for keys, service, code in (
                (None, "sts", "MissingAuthenticationToken"),
                (PUBLISHER._replace(secret="wrong"), "sts", "SignatureDoesNotMatch"),
                (PUBLISHER, "sqs", "SignatureDoesNotMatch"),
                (Keys("AKIANOBODY0000000000", "s"), "sts", "InvalidClientTokenId")):
            self.assert_error(self.sts("GetCallerIdentity", keys, service), 403, code)

    def test_is_signed_for_apart_from_sqs_with_the_same_keys(self):
        for _ in range(2):
            self.assertEqual(self.sts("GetCallerIdentity")[0], 200)
            self.assert_good(PUBLISHER)

    def test_refuses_temporary_keys_that_are_over(self):
        self.sqs.role(ROLE)
        keys, _ = self.keys_of(self.assume())
        self.sqs.advance(3602)
        self.assert_error(self.sts("GetCallerIdentity", keys), 403, "ExpiredToken", "is expired")

    def test_says_who_calls(self):
        self.sqs.role(ROLE)
        session, _ = self.keys_of(self.assume())
        for keys, arn, user in (
                (PUBLISHER, f"arn:aws:iam::{ACCOUNT}:user/{KEY_ID}", f"^{KEY_ID}$"),
                (session, f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/me", "^AROA.*:me$")):
            status, root = self.sts("GetCallerIdentity", keys)
            self.assertEqual((status, root.tag), (200, f"{NAMESPACE}GetCallerIdentityResponse"))
            self.assertEqual(self.text(root, "GetCallerIdentityResult/Arn"), arn)
            self.assertEqual(self.text(root, "GetCallerIdentityResult/Account"), ACCOUNT)
            self.assertRegex(self.text(root, "GetCallerIdentityResult/UserId"), user)

    def test_refuses_what_it_does_not_know(self):
        self.assert_error(self.sts("AssumeRoot"), 400, "InvalidAction", "operation AssumeRoot for")
        self.assert_error(self.sts("GetCallerIdentity", version="2012-11-05"), 400,
                          "InvalidAction", "version 2012-11-05")
        for body in (b"", b"Action", b"Action=%", b"Action=%ff", b"&&=&Version=2011-06-15"):
            answer = self.http("POST", "/", body, {"content-type": FORM})
            self.assertEqual(answer.status, 400)
            self.assertIn("<Code>InvalidAction</Code>", answer.text)

    def test_quotes_what_it_was_told_as_xml(self):
        for name in ("<&\"'>", "größe", "a\0b", "a\x01b"):
            self.assert_error(self.sts(name), 400, "InvalidAction")
        words = self.text(self.sts("<&\">")[1], "Error/Message")
        self.assertIn("operation <&\"> for", words)

    def test_leaves_sqs_what_is_for_sqs(self):
        answer = self.http("POST", "/", b"{}", {"content-type": FORM,
                                                "x-amz-target": "AmazonSQS.ListQueues"})
        self.assertIn("AccessDeniedException", answer.text)
        self.assertEqual(answer.headers["content-type"], "application/x-amz-json-1.0")


class AWebIdentity(StsCase):
    TOKEN = "header.payload/+=.signature"

    def setUp(self):
        super().setUp()
        self.sqs.role(ROLE, web_identity_token=self.TOKEN)

    def test_gets_keys_without_a_signature(self):
        answer = self.assume_with(self.TOKEN, DurationSeconds=1000)
        keys, expiration = self.keys_of(answer, "AssumeRoleWithWebIdentity")
        self.assertTrue(998 < seconds_until(expiration) <= 1001)
        self.assert_good(keys)
        result = "AssumeRoleWithWebIdentityResult/"
        self.assertEqual(self.text(answer[1], result + "AssumedRoleUser/Arn"),
                         f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/pod")
        self.assertEqual(self.text(answer[1], result + "Audience"), "sts.amazonaws.com")
        for name in ("SubjectFromWebIdentityToken", "Provider"):
            self.assertTrue(self.text(answer[1], result + name))

    def test_must_be_the_one_that_is_accepted(self):
        for token in (self.TOKEN + "x", self.TOKEN[:-1], self.TOKEN + "\n"):
            self.assert_error(self.assume_with(token), 400, "InvalidIdentityToken")

    def test_may_be_too_old_and_then_be_replaced(self):
        self.sqs.role(ROLE, web_identity_token="the next", expired_web_identity_token=self.TOKEN)
        self.assert_error(self.assume_with(self.TOKEN), 400, "ExpiredTokenException")
        keys, _ = self.keys_of(self.assume_with("the next"), "AssumeRoleWithWebIdentity")
        self.assert_good(keys)

    def test_is_denied_a_role_that_is_not_for_it(self):
        self.assert_error(self.assume_with(self.TOKEN, RoleArn=ROLE + "s"), 403, "AccessDenied",
                          "Not authorized to perform sts:AssumeRoleWithWebIdentity")
        self.sqs.role(ROLE, web_identity_token=None)
        self.assert_error(self.assume_with(self.TOKEN), 403, "AccessDenied")

    def test_must_have_the_length_of_a_token_and_a_session(self):
        for changes, words in (({"WebIdentityToken": "abc"}, "greater than or equal to 4"),
                               ({"WebIdentityToken": "a" * 20001}, "less than or equal to 20000"),
                               ({"RoleSessionName": "?!"}, "'roleSessionName'"),
                               ({"DurationSeconds": 60}, "'durationSeconds'")):
            self.assert_error(self.assume_with(self.TOKEN, **changes), 400, "ValidationError",
                              words)
        secret = self.assume_with("abc")[1]
        self.assertIn("Value at 'webIdentityToken' failed", self.text(secret, "Error/Message"))
        long = "a" * 20000
        self.sqs.role(ROLE, web_identity_token=long)
        self.keys_of(self.assume_with(long), "AssumeRoleWithWebIdentity")


class TheMetadataService(Case):
    def token(self, ttl=60):
        answer = self.http("PUT", "/latest/api/token", headers={TTL: str(ttl)})
        self.assertEqual((answer.status, answer.headers[TTL]), (200, str(ttl)))
        return answer.text

    def get(self, path, token=None):
        return self.http("GET", path, headers={"X-aws-ec2-metadata-token": token or self.token()})

    def keys(self, role="worker"):
        """What is handed out now, and until when."""
        answer = self.get(CREDENTIALS + role)
        self.assertEqual(answer.status, 200, answer.text)
        shown = answer.json()
        self.assertEqual((shown["Code"], shown["Type"]), ("Success", "AWS-HMAC"))
        return (Keys(shown["AccessKeyId"], shown["SecretAccessKey"], shown["Token"]),
                shown["Expiration"])

    def test_answers_nothing_without_a_token(self):
        self.sqs.metadata(role="worker")
        for path in (CREDENTIALS, CREDENTIALS + "worker", METADATA + "/placement/region",
                     "/latest/dynamic/instance-identity/document", "/latest/nothing"):
            self.assertEqual(self.http("GET", path).status, 401)
            self.assertEqual(self.get(path, "x" * 56).status, 401)
        self.assertEqual(self.get(CREDENTIALS).text, "worker")

    def test_gives_tokens_to_who_says_for_how_long(self):
        for ttl in ("1", "21600"):
            self.token(ttl)
        for ttl in ("0", "21601", "-1", "", "1s", "99999999999999999999"):
            self.assertEqual(self.http("PUT", "/latest/api/token", headers={TTL: ttl}).status, 400)
        self.assertEqual(self.http("PUT", "/latest/api/token").status, 400)

    def test_gives_no_tokens_through_a_proxy(self):
        answer = self.http("PUT", "/latest/api/token",
                           headers={TTL: "60", "X-Forwarded-For": "10.0.0.1"})
        self.assertEqual(answer.status, 403)

    def test_gives_tokens_to_put_alone(self):
        for method in ("GET", "POST"):
            self.assertEqual(self.http(method, "/latest/api/token", headers={TTL: "60"}).status,
                             405)
        self.assertEqual(self.http("PUT", CREDENTIALS, headers={TTL: "60"}).status, 405)

    def test_forgets_a_token_after_its_time(self):
        path, token, other = METADATA + "/placement/region", self.token(60), self.token(120)
        self.sqs.advance(59)
        self.assertEqual(self.get(path, token).status, 200)
        self.sqs.advance(2)
        self.assertEqual(self.get(path, token).status, 401)
        self.assertEqual(self.get(path, other).status, 200)

    def test_may_forget_tokens_sooner_than_it_says(self):
        self.sqs.metadata(token_seconds=10)
        token = self.token(21600)
        self.sqs.advance(11)
        self.assertEqual(self.get(METADATA + "/placement/region", token).status, 401)

    def test_tells_where_the_instance_is(self):
        self.assertEqual(self.get(METADATA + "/placement/region").text, REGION)
        self.assertEqual(self.get(METADATA + "/placement/availability-zone").text, REGION + "a")
        document = self.get("/latest/dynamic/instance-identity/document").json()
        self.assertEqual((document["region"], document["accountId"]), (REGION, ACCOUNT))

    def test_has_nothing_else(self):
        for path in (METADATA + "/", METADATA + "/placement/regions",
                     METADATA + "/iam/security-credentials-extended/worker", "/latest/"):
            self.assertEqual(self.get(path).status, 404, path)

    def test_has_no_keys_where_no_role_is_attached(self):
        for path in (CREDENTIALS, CREDENTIALS + "worker"):
            self.assertEqual(self.get(path).status, 404)
        self.sqs.metadata(role="worker")
        self.assertEqual(self.get(CREDENTIALS + "other").status, 404)
        self.assertEqual(self.get(CREDENTIALS.rstrip("/")).text, "worker")
        self.sqs.metadata(role=None)
        self.assertEqual(self.get(CREDENTIALS).status, 404)

    def test_hands_out_the_keys_of_the_role(self):
        self.sqs.metadata(role="worker", actions=["GetQueueAttributes"])
        keys, expiration = self.keys()
        self.assertTrue(21598 < seconds_until(expiration) <= 21601)
        self.assertTrue(-2 < seconds_until(self.get(CREDENTIALS + "worker").json()["LastUpdated"])
                        <= 0)
        self.assert_good(keys)
        self.assert_refused(keys, "AccessDeniedException", "ReceiveMessage",
                            "assumed-role/worker/i-")

    def test_hands_out_the_same_keys_until_five_minutes_before_their_end(self):
        self.sqs.metadata(role="worker", seconds=3600)
        first = self.keys()
        self.sqs.advance(3600 - 310)
        self.assertEqual(self.keys(), first)
        self.sqs.advance(15)
        second = self.keys()
        self.assertNotEqual(second[0], first[0])
        self.assert_good(first[0])
        self.assert_good(second[0])
        self.sqs.advance(300)
        self.assert_refused(first[0], "ExpiredTokenException")
        self.assert_good(second[0])

    def test_hands_out_others_in_the_last_third_of_a_short_life(self):
        self.sqs.metadata(role="worker", seconds=300)
        first = self.keys()
        self.sqs.advance(195)
        self.assertEqual(self.keys(), first)
        self.sqs.advance(10)
        self.assertNotEqual(self.keys(), first)

    def test_may_go_on_with_keys_that_are_over(self):
        self.sqs.metadata(role="worker", seconds=300)
        first = self.keys()
        self.sqs.metadata(same_keys=True)
        self.sqs.advance(310)
        self.assertEqual(self.keys(), first)
        self.assert_refused(first[0], "ExpiredTokenException")
        self.sqs.metadata(same_keys=False)
        self.assert_good(self.keys()[0])

    def test_hands_out_others_when_told_what_they_are_to_be(self):
        self.sqs.metadata(role="worker")
        first = self.keys()
        self.sqs.metadata(token_seconds=60)
        self.assertEqual(self.keys(), first)
        self.sqs.metadata(seconds=60)
        self.assertTrue(58 < seconds_until(self.keys()[1]) <= 61)

    def test_may_say_in_a_good_answer_that_it_has_none(self):
        self.sqs.metadata(role="worker", code="AssumeRoleUnauthorizedAccess", message="not trusted")
        answer = self.get(CREDENTIALS + "worker")
        self.assertEqual(answer.status, 200)
        shown = answer.json()
        self.assertEqual((shown["Code"], shown["Message"]),
                         ("AssumeRoleUnauthorizedAccess", "not trusted"))
        self.assertNotIn("AccessKeyId", shown)
        self.sqs.metadata(code=None)
        self.keys()

    def test_may_be_out_of_order_or_off(self):
        token = self.token()
        for status in (500, 403):
            self.sqs.metadata(status=status)
            self.assertEqual(self.http("PUT", "/latest/api/token", headers={TTL: "60"}).status,
                             status)
            self.assertEqual(self.get(METADATA + "/placement/region", token).status, status)
        self.sqs.metadata(status=0)
        self.assertEqual(self.get(METADATA + "/placement/region", token).status, 200)

    def test_may_be_too_many_hops_away_to_give_a_token(self):
        token = self.token()
        self.sqs.metadata(hop_limit_exceeded=True)
        with socket.create_connection(("127.0.0.1", self.sqs.port)) as asking:
            asking.sendall(f"PUT /latest/api/token HTTP/1.1\r\nHost: x\r\n{TTL}: 60\r\n"
                           "Content-Length: 0\r\n\r\n".encode())
            until(lambda: self.sqs.stats()["metadata:token"] == {"OK": 1, "silence": 1})
            self.sqs.advance(1e6)
            self.sqs.stats()
            asking.setblocking(False)
            with self.assertRaises(BlockingIOError):
                asking.recv(1)
            self.sqs.metadata(hop_limit_exceeded=False)
            self.token()
            # And that one is left unanswered does not keep the server from ending.
            self.assertEqual(self.sqs.process.stop(), 0)
        self.assertEqual(len(token), 56)


class AContainersEndpoint(Case):
    def get(self, path, token=None):
        return self.http("GET", path, headers={} if token is None else {"Authorization": token})

    def keys_of(self, answer):
        self.assertEqual((answer.status, answer.headers["content-type"]),
                         (200, "application/json"))
        shown = answer.json()
        return Keys(shown["AccessKeyId"], shown["SecretAccessKey"], shown["Token"])

    def assert_error(self, answer, status, code):
        self.assertEqual((answer.status, answer.json()["code"], answer.json()["HTTPErrorCode"]),
                         (status, code, status))
        self.assertTrue(answer.json()["message"])

    def test_hands_out_keys_as_ecs_does(self):
        uri = self.sqs.container("task", actions=["GetQueueAttributes"], seconds=900)
        self.assertEqual(uri, self.sqs.endpoint + "/v2/credentials/task")
        answer = self.get("/v2/credentials/task")
        keys, shown = self.keys_of(answer), answer.json()
        self.assertEqual(set(shown), {"AccessKeyId", "SecretAccessKey", "Token", "Expiration",
                                      "RoleArn"})
        self.assertEqual(shown["RoleArn"], f"arn:aws:iam::{ACCOUNT}:role/task")
        self.assertTrue(898 < seconds_until(shown["Expiration"]) <= 901)
        self.assert_good(keys)
        self.assert_refused(keys, "AccessDeniedException", "ReceiveMessage",
                            "assumed-role/task/task")

    def test_hands_out_the_same_keys_until_five_minutes_before_their_end(self):
        self.sqs.container("task", seconds=900)
        first = self.keys_of(self.get("/v2/credentials/task"))
        self.sqs.advance(590)
        self.assertEqual(self.keys_of(self.get("/v2/credentials/task")), first)
        self.sqs.advance(15)
        second = self.keys_of(self.get("/v2/credentials/task"))
        self.assertNotEqual(second, first)
        self.sqs.advance(300)
        self.assert_refused(first, "ExpiredTokenException")
        self.assert_good(second)

    def test_wants_exactly_its_token_where_it_has_one(self):
        self.sqs.container("task", token="Basic abc")
        for token in (None, "", "Basic ab", "Basic abcd", "basic abc"):
            self.assert_error(self.get("/v2/credentials/task", token), 401, "AccessDenied")
        self.keys_of(self.get("/v2/credentials/task", "Basic abc"))
        self.sqs.container("task", token=None)
        self.keys_of(self.get("/v2/credentials/task", "whatever"))

    def test_knows_its_tasks(self):
        self.sqs.container("a")
        self.sqs.container("b", actions=[])
        a, b = (self.keys_of(self.get(f"/v2/credentials/{name}")) for name in "ab")
        self.assert_good(a)
        self.assert_refused(b, "AccessDeniedException")
        self.assert_error(self.get("/v2/credentials/c"), 400, "InvalidIdInRequest")
        for path in ("/v2/credentials", "/v2/credentials/"):
            self.assert_error(self.get(path), 400, "NoIdInRequest")
        self.assert_error(self.http("POST", "/v2/credentials/a"), 405, "MethodNotAllowed")
        self.sqs.forget_identities()
        self.assert_error(self.get("/v2/credentials/a"), 400, "InvalidIdInRequest")

    def test_hands_out_keys_as_the_agent_of_eks_does(self):
        self.sqs.container("pod", token="eyJ.a.b")
        self.sqs.container("other", token="eyJ.c.d")
        answer = self.get("/v1/credentials", "eyJ.a.b")
        keys = self.keys_of(answer)
        self.assertEqual(set(answer.json()), {"AccessKeyId", "SecretAccessKey", "Token",
                                              "Expiration", "AccountId"})
        self.assertEqual(answer.json()["AccountId"], ACCOUNT)
        self.assert_good(keys)
        self.assertNotEqual(self.keys_of(self.get("/v1/credentials", "eyJ.c.d")), keys)
        self.assertEqual(self.sqs.pod_identity_uri, self.sqs.endpoint + "/v1/credentials")

    def test_of_eks_refuses_in_plain_words(self):
        self.sqs.container("pod")
        for token in (None, "", "nonsense"):
            answer = self.get("/v1/credentials", token)
            self.assertEqual(answer.status, 400)
            self.assertRegex(answer.text, r"^Service account token cannot be \w+\n$")

    def test_may_refuse_with_any_status(self):
        for status in (400, 401, 403, 404, 500, 503):
            self.sqs.container("task", status=status)
            self.assert_error(self.get("/v2/credentials/task"), status, "OrderedByATest")
        self.sqs.container("task", status=0)
        self.keys_of(self.get("/v2/credentials/task"))

    def test_may_answer_what_is_no_json(self):
        for terms in ({"body": "<html>"}, {"body": "", "status": 500}):
            self.sqs.container("task", **terms)
            answer = self.get("/v2/credentials/task")
            self.assertEqual((answer.status, answer.text),
                             (terms.get("status", 200), terms["body"]))


class Stats(StsCase):
    def test_count_every_request_by_what_it_was_for(self):
        self.sqs.role(ROLE)
        self.sqs.metadata(role="worker")
        self.sqs.container("task", token="t")
        self.assume()
        self.assume(RoleArn=ROLE + "s")
        self.sts("GetCallerIdentity", keys=None)
        self.sts("Nonsense")
        token = self.http("PUT", "/latest/api/token", headers={TTL: "60"}).text
        for path in (CREDENTIALS, CREDENTIALS + "worker", METADATA + "/placement/region",
                     METADATA + "/placement/availability-zone", "/latest/nothing",
                     "/latest/dynamic/instance-identity/document"):
            self.http("GET", path, headers={"X-aws-ec2-metadata-token": token})
        self.http("GET", CREDENTIALS)
        self.http("GET", "/v2/credentials/task", headers={"Authorization": "t"})
        self.http("GET", "/v2/credentials/task")
        self.assertEqual(self.sqs.stats(), {
            "CreateQueue": {"OK": 1},
            "AssumeRole": {"OK": 1, "AccessDenied": 1},
            "GetCallerIdentity": {"MissingAuthenticationToken": 1},
            "unknown": {"InvalidAction": 1},
            "metadata:token": {"OK": 1},
            "metadata:role": {"OK": 1, "401": 1},
            "metadata:credentials": {"OK": 1},
            "metadata:region": {"OK": 1},
            "metadata:zone": {"OK": 1},
            "metadata:document": {"OK": 1},
            "metadata:other": {"404": 1},
            "container": {"OK": 1, "401": 1}})


class AFault(StsCase):
    def status_of(self, method, path):
        return self.http(method, path, headers={TTL: "60"}).status

    def test_refuses_as_sts_does(self):
        self.sqs.role(ROLE)
        self.sqs.fault(action="AssumeRole", kind="status", status=503, code="ServiceUnavailable",
                       message="come again")
        status, root = self.assume()
        self.assertEqual((status, self.text(root, "Error/Type"), self.text(root, "Error/Code"),
                          self.text(root, "Error/Message")),
                         (503, "Receiver", "ServiceUnavailable", "come again"))
        self.keys_of(self.assume())
        self.assert_stats(AssumeRole={"OK": 1, "fault:status": 1})

    def test_of_one_part_of_the_metadata_service_leaves_the_others_alone(self):
        self.sqs.fault(action="metadata:token", kind="status", status=503, count=0)
        self.assertEqual(self.status_of("PUT", "/latest/api/token"), 503)
        self.assertEqual(self.status_of("GET", CREDENTIALS), 401)

    def test_of_the_metadata_service_is_for_all_of_it(self):
        self.sqs.fault(action="meta", kind="status", status=500)
        self.sqs.fault(action="metadata", kind="status", status=503, count=2)
        self.assertEqual(self.status_of("PUT", "/latest/api/token"), 503)
        self.assertEqual(self.status_of("GET", "/v2/credentials/task"), 400)
        self.assertEqual(self.status_of("GET", CREDENTIALS), 503)
        self.assertEqual(self.status_of("PUT", "/latest/api/token"), 200)

    def test_refuses_as_a_containers_endpoint_does(self):
        self.sqs.container("task")
        self.sqs.fault(action="container", kind="status", status=404, code="Gone")
        answer = self.http("GET", "/v2/credentials/task")
        self.assertEqual((answer.status, answer.json()["code"]), (404, "Gone"))

    def test_can_be_of_any_other_kind(self):
        self.sqs.container("task")
        self.sqs.fault(action="container", kind="raw", body="{")
        self.assertEqual(self.http("GET", "/v2/credentials/task").text, "{")
        for kind in ("cut-before", "cut-after"):
            self.sqs.fault(action="container", kind=kind)
            with self.assertRaises((http.client.RemoteDisconnected, ConnectionError)):
                self.http("GET", "/v2/credentials/task")
        for kind in ("delay", "late"):
            self.sqs.fault(action="container", kind=kind, ms=20)
            self.assertEqual(self.http("GET", "/v2/credentials/task").status, 200)
        self.assert_stats(container={"OK": 3, "fault:raw": 1, "fault:cut-before": 1})


class TheControlSide(Case):
    def test_refuses_what_is_not_known_or_cannot_be(self):
        for what, terms in (
                ("roles", {}), ("roles", []), ("roles", {"arn": 1}),
                ("roles", {"arn": "a", "actions": "All"}), ("roles", {"arn": "a", "nope": 1}),
                ("roles", {"arn": "a", "seconds": 0}), ("metadata", []),
                ("metadata", {"role": 1}), ("metadata", {"seconds": -1}),
                ("metadata", {"seconds": "60"}), ("metadata", {"seconds": 1e10}),
                ("metadata", {"status": 99}), ("metadata", {"status": "500"}),
                ("metadata", {"same_keys": 1}), ("metadata", {"actions": [1]}),
                ("container", {}), ("container", {"id": ""}), ("container", {"id": "a", "x": 1})):
            with self.assertRaises(SqsError, msg=f"{what} {terms}") as caught:
                self.sqs.client.control("POST", what, terms)
            self.assertEqual(caught.exception.status, 400)

    def test_changes_nothing_when_one_member_is_wrong(self):
        self.sqs.metadata(role="worker")
        with self.assertRaises(SqsError):
            self.sqs.metadata(role="other", seconds=0)
        with self.assertRaises(SqsError):
            self.sqs.container("task", seconds=0)
        token = self.http("PUT", "/latest/api/token", headers={TTL: "60"}).text
        role = self.http("GET", CREDENTIALS, headers={"X-aws-ec2-metadata-token": token})
        self.assertEqual(role.text, "worker")
        self.assertEqual(self.http("GET", "/v2/credentials/task").status, 400)


class Botocore(StsCase):
    """A client that nobody here wrote."""

    def session(self, **environment):
        """One that finds only what that environment says."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        nowhere = str(self.lab.directory / "no-such-file")
        patcher = mock.patch.dict(os.environ, {
            **kept, "AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere,
            "AWS_EC2_METADATA_SERVICE_ENDPOINT": self.sqs.endpoint, "NO_PROXY": "127.0.0.1",
            **environment}, clear=True)
        patcher.start()
        self.addCleanup(patcher.stop)
        return botocore.session.Session()

    def found(self, session):
        """The keys it finds."""
        credentials = session.get_credentials()
        return credentials and Keys(*credentials.get_frozen_credentials())

    def client(self, **options):
        return self.session().create_client("sts", region_name=REGION,
                                            endpoint_url=self.sqs.endpoint, **options)

    def signed(self):
        return self.client(aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET)

    def unsigned(self):
        unsigned = botocore.config.Config(signature_version=botocore.UNSIGNED)
        return self.client(config=unsigned)

    def keys_in(self, answer):
        shown = answer["Credentials"]
        self.assertIsInstance(shown["Expiration"], datetime.datetime)
        return Keys(shown["AccessKeyId"], shown["SecretAccessKey"], shown["SessionToken"])

    def test_finds_keys_in_the_metadata_service(self):
        self.sqs.metadata(role="worker")
        self.assert_good(self.found(self.session()))
        self.assert_stats(**{"metadata:token": {"OK": 1}, "metadata:role": {"OK": 1},
                             "metadata:credentials": {"OK": 1}})

    def test_finds_none_in_a_metadata_service_that_has_none(self):
        self.assertIsNone(self.found(self.session()))
        self.sqs.metadata(role="worker", code="AssumeRoleUnauthorizedAccess")
        self.assertIsNone(self.found(self.session()))

    def test_gets_nowhere_without_a_token(self):
        self.sqs.metadata(role="worker", hop_limit_exceeded=True)
        self.assertIsNone(self.found(self.session(AWS_METADATA_SERVICE_TIMEOUT="1")))
        self.assert_stats(**{"metadata:token": {"silence": 1}, "metadata:role": {"401": 1},
                             "metadata:credentials": None})

    def test_finds_keys_at_a_containers_endpoint(self):
        uri = self.sqs.container("task", token="Basic abc")
        self.assert_good(self.found(self.session(AWS_CONTAINER_CREDENTIALS_FULL_URI=uri,
                                                 AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic abc")))

    def test_finds_keys_at_the_endpoint_of_eks(self):
        self.sqs.container("pod", token="eyJ.a.b")
        self.assert_good(self.found(self.session(
            AWS_CONTAINER_CREDENTIALS_FULL_URI=self.sqs.pod_identity_uri,
            AWS_CONTAINER_AUTHORIZATION_TOKEN="eyJ.a.b")))

    def test_is_refused_by_a_containers_endpoint_with_another_token(self):
        uri = self.sqs.container("task", token="Basic abc")
        session = self.session(AWS_CONTAINER_CREDENTIALS_FULL_URI=uri,
                               AWS_CONTAINER_AUTHORIZATION_TOKEN="Basic abd")
        with self.assertRaises(botocore.exceptions.CredentialRetrievalError) as caught:
            session.get_credentials()
        self.assertIn("401", str(caught.exception))

    def test_assumes_a_role(self):
        self.sqs.role(ROLE, external_id="ours")
        answer = self.signed().assume_role(RoleArn=ROLE, RoleSessionName="me", ExternalId="ours",
                                           DurationSeconds=900)
        self.assert_good(self.keys_in(answer))
        self.assertEqual(answer["AssumedRoleUser"]["Arn"],
                         f"arn:aws:sts::{ACCOUNT}:assumed-role/worker/me")
        self.assertRegex(answer["ResponseMetadata"]["RequestId"], r"^[0-9a-f-]{36}$")

    def test_is_told_why_not(self):
        with self.assertRaises(botocore.exceptions.ClientError) as caught:
            self.signed().assume_role(RoleArn=ROLE, RoleSessionName="me")
        self.assertEqual(caught.exception.response["Error"]["Code"], "AccessDenied")
        self.assertEqual(caught.exception.response["ResponseMetadata"]["HTTPStatusCode"], 403)

    def test_assumes_a_role_with_a_web_identity(self):
        self.sqs.role(ROLE, web_identity_token="the next", expired_web_identity_token="the last")
        client = self.unsigned()

        def assume(token):
            return client.assume_role_with_web_identity(
                RoleArn=ROLE, RoleSessionName="pod", WebIdentityToken=token)
        self.assert_good(self.keys_in(assume("the next")))
        with self.assertRaises(client.exceptions.ExpiredTokenException):
            assume("the last")
        with self.assertRaises(client.exceptions.InvalidIdentityTokenException):
            assume("another")

    def test_learns_who_it_is(self):
        answer = self.signed().get_caller_identity()
        self.assertEqual((answer["Account"], answer["Arn"]),
                         (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:user/{KEY_ID}"))


if __name__ == "__main__":
    tap.main()
