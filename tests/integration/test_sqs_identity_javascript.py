"""The local SQS' services that give credentials, asked by AWS's own SDK for JavaScript.

STS by its client, and each service by the SDK's provider for it, whose keys then sign requests to
SQS; see tests/javascript/identity.mjs.
"""

from lab import javascript, tap


def load_tests(loader, *_):
    return javascript.suite(loader, "identity.mjs")


if __name__ == "__main__":
    tap.main()
