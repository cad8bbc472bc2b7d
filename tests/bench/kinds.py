"""What the jobs are of each kind, and what does them.

Each class: job_type; what, in words; share, that many fewer jobs are run than of built-ins, for
they take longer; section, the job type's settings; servers, the pids of what works for them beside
the daemon and its children, by name.
"""

from lab import javascript
from lab.process import Process

EMPTY_FUNCTION = "export const handler = async () => {};\n"


class Builtin:
    job_type = "test-echo"
    what = "test-echo, in the daemon"
    share = 1

    def __init__(self, _):
        self.section = {}
        self.servers = {}

    @staticmethod
    def why_not():
        """Why it cannot be measured here; None: it can."""

    def close(self):
        pass


class Command(Builtin):
    job_type = "run-true"
    what = "/bin/true, started for each job"
    share = 80

    def __init__(self, lab):
        super().__init__(lab)
        self.section = {"kind": "command", "program": "/bin/true"}


class Lambda(Builtin):
    job_type = "call-function"
    what = "an empty function in Node.js, a warm runtime for each thread"
    share = 20
    why_not = staticmethod(javascript.why_no_node)

    def __init__(self, lab):
        super().__init__(lab)
        bundle = lab.directory / "bundle"
        bundle.mkdir()
        (bundle / "handler.mjs").write_text(EMPTY_FUNCTION, encoding="utf-8")
        # The function leaves its rows alone.
        self.section = {"kind": "lambda", "bundle": bundle, "rows": "worker"}


class Http(Builtin):
    job_type = "post-to-service"
    what = "a service of one thread that answers 200"
    share = 20

    def __init__(self, lab):
        super().__init__(lab)
        self._service = Process(lab, "bench-service", [lab.program("bench-service")])
        port = self._service.wait_line(r"^listening on (\d+)")[1]
        self.section = {"kind": "http", "url": f"http://127.0.0.1:{port}/jobs"}
        self.servers = {"service": self._service.pid}

    def close(self):
        self._service.stop()


KINDS = {"builtin": Builtin, "command": Command, "lambda": Lambda, "http": Http}
