"""The local SQS, driven by AWS's own SDK for JavaScript: a client that nobody here wrote.

Every action that the SDK knows, every error by the SDK's name for it, and what the SDK makes of
what goes wrong on the way; see tests/javascript/sqs.mjs.
"""

from lab import javascript, tap

OPTIONS = ("--full-batches", "--in-flight-max", "15", "--recreate-after", "60")


def load_tests(loader, *_):
    return javascript.suite(loader, "sqs.mjs", OPTIONS)


if __name__ == "__main__":
    tap.main()
