"""Runs the calling file's unittest cases and reports in TAP, as tests/run reads it.

    tests/run tests/integration/test_flow.py          all of a file
    NEXUS_TEST=kill tests/run tests/integration/…     only tests whose name has that word
"""

import os
import resource
import sys
import time
import traceback
import unittest


class TapResult(unittest.TestResult):
    """One line a test, as it ends; what went wrong below it."""

    def __init__(self):
        super().__init__()
        self._number = 0
        self._begun = 0.0

    def startTest(self, test):
        super().startTest(test)
        self._begun = time.monotonic()

    def _report(self, test, verdict, comment="", details=""):
        self._number += 1
        seconds = time.monotonic() - self._begun
        print(f"{verdict} {self._number} - {_sentence(test)} ({seconds:.1f} s){comment}")
        for line in details.splitlines():
            print(f"# {line}")
        sys.stdout.flush()

    def addSuccess(self, test):
        self._report(test, "ok")

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._report(test, "not ok", details=_details(err))

    def addError(self, test, err):
        super().addError(test, err)
        self._report(test, "not ok", details=_details(err))

    def addSubTest(self, test, subtest, err):
        """Who has any that went wrong is reported by these alone."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self._report(test, "not ok", f": {subtest}", _details(err))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self._report(test, "ok", comment=f" # SKIP {reason}")


def _sentence(test):
    """ASignature.test_is_the_same: "ASignature is the same"; a failed setUpModule as it is."""
    method = getattr(test, "_testMethodName", None)
    if method is None:
        return str(test)
    return f"{type(test).__name__} {method.replace('test_', '', 1).replace('_', ' ')}"


def _details(err):
    if isinstance(err[1], AssertionError):
        return "".join(traceback.format_exception_only(*err[:2])) + _place(err[2])
    return "".join(traceback.format_exception(*err, limit=-3))


def _place(trace):
    """The test's own line, not the ways inside unittest and the lab."""
    frames = [f for f in traceback.extract_tb(trace) if os.path.basename(f.filename)[:5] == "test_"]
    return f"at {os.path.relpath(frames[-1].filename)}:{frames[-1].lineno}" if frames else ""


def _busy():
    """How long we have computed, and all our children that have ended."""
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def main():
    loader = unittest.TestLoader()
    if word := os.environ.get("NEXUS_TEST"):
        loader.testNamePatterns = [f"*{word}*"]
    suite = loader.loadTestsFromModule(sys.modules["__main__"])
    print(f"1..{suite.countTestCases()}", flush=True)
    result = TapResult()
    suite.run(result)
    print(f"# busy for {_busy():.1f} s")
    sys.exit(0 if result.wasSuccessful() else 1)
