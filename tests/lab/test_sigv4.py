"""The lab's signer against known answers."""

import datetime
import unittest

from lab import tap
from lab.sigv4 import Signer

MOMENT = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone.utc)
BODY = (b'{"QueueUrl":"https://sqs.us-east-1.amazonaws.com/123456789012/jobs",'
        b'"MaxNumberOfMessages":10,"WaitTimeSeconds":20}')
HEADERS = {"content-type": "application/x-amz-json-1.0",
           "host": "sqs.us-east-1.amazonaws.com",
           "x-amz-target": "AmazonSQS.ReceiveMessage",
           "x-amzn-query-mode": "true"}


class ASignature(unittest.TestCase):
    def test_is_the_one_that_botocore_makes(self):
        signer = Signer("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1")
        signed = signer.sign(HEADERS, BODY, MOMENT)
        self.assertTrue(signed["authorization"].endswith(
            "Signature=19e5d7800f4ecdf075c4a87f5781edd91bf324819d02fca4d29b63b09a81202e"))


if __name__ == "__main__":
    tap.main()
