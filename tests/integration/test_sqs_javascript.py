"""The local SQS, driven by AWS's own SDK for JavaScript: a client that nobody here wrote.

Every action that the SDK knows, every error by the SDK's name for it, and what the SDK makes of
what goes wrong on the way; see tests/javascript/sqs.mjs.
"""

import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]

from lab import javascript, tap  # noqa: E402
from sqs_local import SqsLocal  # noqa: E402


def server():
    return SqsLocal("--full-batches", "--in-flight-max", "15", "--recreate-after", "60")


def load_tests(loader, *_):
    return javascript.suite(loader, "sqs.mjs", server)


if __name__ == "__main__":
    tap.main()
