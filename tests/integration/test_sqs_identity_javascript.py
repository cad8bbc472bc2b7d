"""The local SQS' services that give credentials, asked by AWS's own SDK for JavaScript.

STS by its client, and each service by the SDK's provider for it, whose keys then sign requests to
SQS; see tests/javascript/identity.mjs.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from lab import javascript, tap  # noqa: E402
from sqs_local import SqsLocal  # noqa: E402


def load_tests(loader, *_):
    return javascript.suite(loader, "identity.mjs", SqsLocal)


if __name__ == "__main__":
    tap.main()
