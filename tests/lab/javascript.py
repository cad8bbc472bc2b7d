"""Tests written in JavaScript, which node runs, as cases of unittest.

    def load_tests(loader, *_):
        return javascript.suite(loader, "sqs.mjs")

The script (in tests/javascript) is run once and says in a line of JSON for each thing that it
proves what it is about, what is so, and what was wrong if it is not: each line becomes a case.
Where there is no node for it, or no AWS SDK, the one case says that nothing was run, and why.
"""

import json
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from lab.process import command_as
from lab.world import Lab

BUILD = pathlib.Path(os.environ.get("NEXUS_BUILD", "build")).absolute()
SCRIPTS = pathlib.Path(__file__).resolve().parents[1] / "javascript"
NODE_MIN = 18
SDK_NODE_MIN = 20  # its own demand
SECONDS_MAX = 120


def why_no_node(least=NODE_MIN):
    """Why node cannot be run here; None: it can."""
    node = shutil.which("node")
    if node is None:
        return "node is not installed"
    version = subprocess.run([node, "--version"], stdout=subprocess.PIPE, text=True,
                             check=True).stdout.strip()
    if int(re.match(r"v(\d+)", version)[1]) < least:
        return f"node is {version}, and this needs {least} or later"
    return None


def why_no_sdk():
    """Why nothing can be run here that uses what npm installs; None: it can."""
    if reason := why_no_node(SDK_NODE_MIN):
        return reason
    if not (BUILD / "javascript" / "ready").exists():
        return f"npm could not install the AWS SDK: see {BUILD / 'javascript' / 'npm.log'}"
    return None


def suite(loader, script, options=()):
    """The script uses the SDK and talks to a local SQS of its own. options: see lab.sqs.Sqs."""
    if reason := why_no_sdk():
        return loader.loadTestsFromTestCase(_skipped(script, reason))
    with Lab() as lab:
        return _cases(loader, script, *_run(script, lab.sqs(options=options).endpoint))


def suite_of_node(loader, script):
    """The script needs nothing but node."""
    if reason := why_no_node():
        return loader.loadTestsFromTestCase(_skipped(script, reason))
    return _cases(loader, script, *_run(script))


def run(script, *arguments, environment):
    """What the script says, a line of JSON each; it ends well. environment: more of it."""
    told, wrong = _run(script, *arguments, environment=environment)
    if wrong is not None:
        raise AssertionError(f"{script}: {wrong}")
    return told


def _cases(loader, script, findings, end):
    cases = {}
    for finding in findings:
        case = cases.setdefault(finding["about"], type(finding["about"], (unittest.TestCase,), {}))
        test = _told(finding["wrong"])
        if reason := finding.get("skipped"):
            test = unittest.skip(reason)(test)
        setattr(case, _method(finding["what"]), test)
    cases[script] = type(script, (unittest.TestCase,), {_method("comes to its end"): _told(end)})
    return unittest.TestSuite(map(loader.loadTestsFromTestCase, cases.values()))


def _run(script, *arguments, environment=()):
    """What it found, and what was wrong with its end (None: nothing)."""
    try:
        done = subprocess.run(
            command_as(None, ["node", SCRIPTS / script, *arguments]), stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=SECONDS_MAX,
            env={**_environment(), **dict(environment)}, check=False)
    except subprocess.TimeoutExpired as error:
        return _read(error.stdout or b""), f"it was still running after {SECONDS_MAX} s"
    findings = _read(done.stdout)
    if done.returncode != 0:
        return findings, f"status {done.returncode}\n{done.stderr.decode(errors='replace')}"
    return findings, None if findings else "it proved nothing"


def _environment():
    """Ours, without what this machine's user has told the SDK."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "NEXUS_BUILD": str(BUILD), "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def _read(output):
    return [json.loads(line) for line in output.splitlines()]


def _method(what):
    return "test_" + what.replace(" ", "_")


def _told(wrong):
    def test(self):
        if wrong is not None:
            self.fail(wrong)
    return test


def _skipped(script, reason):
    test = unittest.skip(reason)(_told(None))
    return type(script, (unittest.TestCase,), {_method("is run by node"): test})
