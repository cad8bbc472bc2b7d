"""The local SQS against what the real one does: who asks, and what each may do.

Two clients sign that share none of its code: botocore and curl.
"""

import datetime
import hashlib
import json
import subprocess
from unittest import mock

from lab import tap
from lab.botocore_client import CORAL, Error
from lab.sqs import ACCOUNT, KEY_ID, REGION, SECRET
from lab.sqs_case import Case, setUpModule  # noqa: F401


class ASignature(Case):
    DENIED = (403, CORAL + "AccessDeniedException", "AccessDenied")
    UNKNOWN = (403, CORAL + "UnrecognizedClientException", "InvalidClientTokenId")
    MISMATCH = (403, CORAL + "InvalidSignatureException", "SignatureDoesNotMatch")
    INCOMPLETE = (400, CORAL + "IncompleteSignatureException", "IncompleteSignature")

    def refused(self, expected, change=None, client=None, **members):
        return self.assert_error(*expected, (client or self.client).raw, "ListQueues", "{}",
                                 change=change, **members)

    def signed_at(self, moment):
        """Requests signed by a clock that shows that moment."""
        patcher = mock.patch("botocore.auth.datetime.datetime")
        clock = patcher.start()
        self.addCleanup(patcher.stop)
        clock.utcnow.return_value = moment

    def test_must_be_there(self):
        self.refused(self.DENIED, lambda headers: headers.pop("Authorization"))

    def test_must_be_of_a_known_key(self):
        self.refused(self.UNKNOWN, client=self.connect(key_id="AKIDNOBODY"))

    def test_must_be_made_with_the_right_secret(self):
        self.refused(self.MISMATCH, client=self.connect(secret="wrong"))

    def test_must_be_for_this_region(self):
        error = self.refused(self.MISMATCH, client=self.connect(region="eu-west-1"))
        self.assertIn("Credential should be scoped to a valid region", error.text)

    def test_must_be_for_this_service(self):
        client = self.connect()
        client.signer._service_name = "sns"
        self.assertIn("correct service", self.refused(self.MISMATCH, client=client).text)

    def test_must_be_whole(self):
        def without(part):
            def change(headers):
                headers["Authorization"] = headers["Authorization"].replace(part, "x=")
            return change
        for part in ("Signature=", "SignedHeaders=", "Credential=", "AWS4-HMAC-SHA256 ",
                     "/aws4_request"):
            self.refused(self.INCOMPLETE, without(part))
        self.refused(self.INCOMPLETE, lambda headers: headers.pop("X-Amz-Date"))

    def test_covers_the_body(self):
        body = json.dumps({"QueueUrl": self.url, "MessageBody": "paid 10"})
        headers = self.client.sign("SendMessage", body)
        status, _, answer = self.client.exchange("POST", "/", body.replace("10", "99"), headers)
        self.assertEqual(status, 403)
        self.assertIn(b"InvalidSignatureException", answer)

    def test_covers_headers_path_and_query(self):
        def target(headers):
            headers["X-Amz-Target"] = "AmazonSQS.DeleteQueue"
        self.refused(self.MISMATCH, target)
        headers = self.client.sign("ListQueues", "{}")
        for path in ("/other", "/?a=b"):
            status, _, answer = self.client.exchange("POST", path, "{}", headers)
            self.assertEqual((status, b"InvalidSignature" in answer), (403, True))

    def test_must_cover_host_and_all_headers_of_amazons(self):
        def unsigned(name):
            def change(headers):
                headers["Authorization"] = headers["Authorization"].replace(name + ";", "")
            return change
        self.assertIn("'Host'", self.refused(self.MISMATCH, unsigned("host")).text)
        self.refused(self.MISMATCH, unsigned("x-amz-target"))

        def added(headers):
            headers["x-amz-extra"] = "1"
        self.assertIn("not signed", self.refused(self.MISMATCH, added).text)

    def test_is_over_values_without_superfluous_blanks(self):
        self.client.raw("ListQueues", "{}", headers={"x-spaces": "  a   b  "})

    def test_is_over_all_headers_of_one_name_in_their_order(self):
        signed = self.client.sign("ListQueues", b"{}", headers={"x-many": "b,a", "Host":
                                  self.client.connection.host + f":{self.client.connection.port}"})
        for order, expected in (("ba", 200), ("ab", 403)):
            connection = self.client.connection
            connection.putrequest("POST", "/", skip_host=True)
            for name, value in signed.items():
                if name != "x-many":
                    connection.putheader(name, value)
            for value in order:
                connection.putheader("X-Many", value)
            connection.putheader("Content-Length", "2")
            connection.endheaders(b"{}")
            with connection.getresponse() as response:
                response.read()
                self.assertEqual(response.status, expected)

    def test_is_over_paths_and_queries_however_they_are_written(self):
        body = json.dumps({"QueueUrl": self.url})
        for path in (f"/{ACCOUNT}/jobs", "/a%20b/c", "/?b=2&a=1", "/?a=%2F&A=x%2By", "/x?flag"):
            self.client.raw("GetQueueAttributes", body, path=path)

    def test_expires_after_five_minutes_either_way(self):
        now = datetime.datetime.utcnow()
        for minutes, text in ((-6, "Signature expired"), (6, "Signature not yet current")):
            self.signed_at(now + datetime.timedelta(minutes=minutes))
            self.assertIn(text, self.refused(self.MISMATCH).text)
        self.signed_at(now - datetime.timedelta(minutes=4))
        self.call("ListQueues")

    def test_follows_a_wrong_clock_of_the_servers_that_its_date_shows(self):
        self.sqs.set_ahead(3600)
        error = self.refused(self.MISMATCH)
        shown = datetime.datetime.strptime(error.headers["Date"], "%a, %d %b %Y %H:%M:%S GMT")
        ahead = shown - datetime.datetime.utcnow()
        self.assertLess(abs(ahead.total_seconds() - 3600), 5)
        self.signed_at(shown)
        self.call("ListQueues")

    def test_with_temporary_credentials_needs_their_token(self):
        good = {"key_id": "ASIATEST", "secret": "s"}
        self.sqs.add_key(**good, token="the+token==")
        self.connect(**good, token="the+token==").call("ListQueues")
        self.refused(self.UNKNOWN, client=self.connect(**good))
        self.refused(self.UNKNOWN, client=self.connect(**good, token="another"))
        self.sqs.add_key(**good, token="the+token==", expired=True)
        self.refused((403, CORAL + "ExpiredTokenException", "ExpiredToken"),
                     client=self.connect(**good, token="the+token=="))
        self.refused(self.UNKNOWN, client=self.connect(**good, token="another"))

    def test_of_a_client_that_runs_follows_the_servers_clock_and_the_keys_end(self):
        self.sqs.add_key("ASIATEST", "s", token="t")
        client = self.connect(key_id="ASIATEST", secret="s", token="t")
        client.call("ListQueues")
        self.sqs.set_ahead(-400)
        self.assertIn("not yet current", self.refused(self.MISMATCH, client=client).text)
        self.sqs.set_ahead(0)
        client.call("ListQueues")
        self.sqs.add_key("ASIATEST", "s", token="t", expired=True)
        self.refused((403, CORAL + "ExpiredTokenException", "ExpiredToken"), client=client)
        self.sqs.add_key("ASIATEST", "s", token="renewed")
        self.refused(self.UNKNOWN, client=client)
        self.connect(key_id="ASIATEST", secret="s", token="renewed").call("ListQueues")

    def test_by_curl_is_accepted_too(self):
        def curl(*words, secret=SECRET):
            return json.loads(subprocess.run(
                ["curl", "-sS", "--aws-sigv4", f"aws:amz:{REGION}:sqs",
                 "--user", f"{KEY_ID}:{secret}", "-H", "Content-Type: application/x-amz-json-1.0",
                 *words, self.sqs.endpoint + "/"], stdout=subprocess.PIPE, check=True).stdout)
        sent = curl("-H", "X-Amz-Target: AmazonSQS.SendMessage", "-d",
                    json.dumps({"QueueUrl": self.url, "MessageBody": "by curl"}))
        self.assertEqual(sent["MD5OfMessageBody"], hashlib.md5(b"by curl").hexdigest())
        received = curl("-H", "X-Amz-Target: AmazonSQS.ReceiveMessage", "-d",
                        json.dumps({"QueueUrl": self.url}))
        self.assertEqual(received["Messages"][0]["Body"], "by curl")
        refused = curl("-H", "X-Amz-Target: AmazonSQS.ListQueues", "-d", "{}", secret="wrong")
        self.assertEqual(refused["__type"], CORAL + "InvalidSignatureException")


class AKey(Case):
    more_keys = ("AKIDCONSUMER:s:ReceiveMessage,DeleteMessage,GetQueueAttributes",)

    def test_allows_only_the_actions_of_its_list(self):
        consumer = self.connect(key_id="AKIDCONSUMER", secret="s")
        self.send()
        handle = consumer.call("ReceiveMessage", QueueUrl=self.url)["Messages"][0]["ReceiptHandle"]
        for action, members in (
                ("ChangeMessageVisibility", {"ReceiptHandle": handle, "VisibilityTimeout": 0}),
                ("ChangeMessageVisibilityBatch", {"Entries": []}),
                ("SendMessage", {"MessageBody": "m"})):
            error = self.assert_error(403, CORAL + "AccessDeniedException", "AccessDenied",
                                      consumer.call, action, QueueUrl=self.url, **members)
            name = action.removesuffix("Batch").lower()
            self.assertEqual(error.text, (
                f"User: arn:aws:iam::{ACCOUNT}:user/AKIDCONSUMER is not authorized to perform: "
                f"sqs:{name} on resource: arn:aws:sqs:{REGION}:{ACCOUNT}:jobs because no "
                f"identity-based policy allows the sqs:{name} action"))
        consumer.call("DeleteMessage", QueueUrl=self.url, ReceiptHandle=handle)

    def test_allows_a_batch_where_it_allows_the_single_action(self):
        consumer = self.connect(key_id="AKIDCONSUMER", secret="s")
        answer = consumer.call("DeleteMessageBatch", QueueUrl=self.url,
                               Entries=[{"Id": "a", "ReceiptHandle": "garbage"}])
        self.assertEqual(answer["Failed"][0]["Code"], "ReceiptHandleIsInvalid")

    def test_can_be_given_other_actions_at_run_time(self):
        self.sqs.add_key("AKIDCONSUMER", "s", ["SendMessage"])
        consumer = self.connect(key_id="AKIDCONSUMER", secret="s")
        consumer.call("SendMessage", QueueUrl=self.url, MessageBody="m")
        with self.assertRaises(Error):
            consumer.call("ReceiveMessage", QueueUrl=self.url)


if __name__ == "__main__":
    tap.main()
