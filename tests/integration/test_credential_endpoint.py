"""The credential endpoint, asked by AWS's own SDKs.

Build's tests/test_credential_endpoint serves it, and starts the program that has the SDK in it.
"""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import unittest

from lab import javascript, tap

BUILD = pathlib.Path(os.environ.get("NEXUS_BUILD", "build")).absolute()
TESTS = pathlib.Path(__file__).resolve().parents[1]
WITHIN = 30.0


def environment(**more):
    """Ours, without what this machine's user has told the SDKs."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "NEXUS_BUILD": str(BUILD), "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true", **more}


class Endpoint:
    """Serves credentials to the program, which it runs as often as it is told."""

    def __init__(self, program):
        self.child = subprocess.Popen(
            [BUILD / "tests" / "test_credential_endpoint", "--serve", *program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment())
        self._overdue = threading.Timer(WITHIN, self.child.kill)
        self._overdue.start()
        self.uri, self.token = re.match(r"at (\S+) (\S+)$", self._line()).groups()

    def _line(self):
        return self.child.stdout.readline()

    def _tell(self, line):
        self.child.stdin.write(line + "\n")
        self.child.stdin.flush()

    def keys(self, key_id, secret, token):
        self._tell(f"keys {key_id} {secret} {token}")

    def run(self):
        """What the program says."""
        self._tell("run")
        said = json.loads(self._line())
        assert self._line() == "ended 0\n"
        return said

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.stdin.close()
        self.child.wait(WITHIN)
        self.child.stdout.close()
        self._overdue.cancel()


class AnSdk:
    """What is to hold for each of them."""

    def test_in_a_program_that_was_started_gets_the_keys_and_their_successors(self):
        with Endpoint(self.program) as endpoint:
            for keys, seconds in ((("AKIDOLD", "old/secret", "old//token=="), 7200),
                                  (("AKIDNEW", "new+secret\\", "new//token=="), 7200),
                                  (("AKIDALWAYS", "secret", ""), 3600)):
                endpoint.keys(*keys)
                for provider, found in endpoint.run().items():
                    with self.subTest(keys=keys, provider=provider):
                        self.assertAlmostEqual(found.pop("seconds", 0), seconds, delta=60)
                        self.assertEqual(found, dict(zip(
                            ("accessKeyId", "secretAccessKey", "sessionToken"), keys)))

    def test_gets_none_before_there_are_any(self):
        with Endpoint(self.program) as endpoint:
            for found in endpoint.run().values():
                self.assertEqual(list(found), ["error"])

    def test_in_another_program_gets_none_even_with_the_token(self):
        with Endpoint(self.program) as endpoint:
            endpoint.keys("AKID", "secret", "token")
            done = subprocess.run(self.program, stdout=subprocess.PIPE, check=True,
                                  timeout=WITHIN, env=environment(
                                      AWS_CONTAINER_CREDENTIALS_FULL_URI=endpoint.uri,
                                      AWS_CONTAINER_AUTHORIZATION_TOKEN=endpoint.token))
            for found in json.loads(done.stdout).values():
                self.assertEqual(list(found), ["error"])


class Botocore(AnSdk, unittest.TestCase):
    program = [sys.executable, TESTS / "lab" / "botocore_credentials.py"]


@unittest.skipIf(javascript.why_no_sdk(), javascript.why_no_sdk())
class TheSdkForJavaScript(AnSdk, unittest.TestCase):
    program = ["/usr/bin/env", "node", TESTS / "javascript" / "credentials.mjs"]


if __name__ == "__main__":
    tap.main()
