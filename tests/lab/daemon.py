"""nexus-worker under a service manager's eyes: its readiness, status, lines, signals and end."""

import itertools
import os
import re
import signal
import socket
import threading

from lab.feed import Feed
from lab.process import Process
from lab.sqs import KEY_ID, REGION, SECRET

_numbers = itertools.count(1)


class NotifySocket:
    """What systemd has for a service: a datagram socket, always read, so that nobody blocks."""

    def __init__(self, path):
        self.path = path
        self.feed = Feed("notifications")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(path))
        threading.Thread(target=self._read, name="notify", daemon=True).start()

    def _read(self):
        while datagram := self._socket.recv(4096):
            for line in datagram.decode().splitlines():
                self.feed.append(line)
            if datagram == b"END":
                return

    def close(self):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"END", str(self.path))


def settings_text(settings):
    """{"queue.url": "x", "job test-echo.timeout": "1s"} as the configuration file."""
    sections = {}
    for name, value in settings.items():
        section, _, key = name.rpartition(".")
        sections.setdefault(section, []).append(f"{key} = {value}\n")
    return "\n".join(f"[{name}]\n{''.join(lines)}" for name, lines in sections.items())


def section(job_type, **keys):
    """The settings of a section [job TYPE]; None: not given."""
    return {f"job {job_type}.{key}": value for key, value in keys.items()}


class Daemon:
    """
    Owns one process. settings: over the lab's own, by "section.key" (None: left out).
    environment: over the lab's credentials, likewise. start=False: configured only.
    program: what make built it as. account: whose process it is (None: ours). processes: every one
    that it has been, the present one last.
    """

    def __init__(self, lab, queue, database, settings=None, environment=None, arguments=(),
                 start=True, on_line=None, program="nexus-worker",
                 account=None):
        self.lab = lab
        self._program = program
        self._account = account
        self._on_line = on_line
        self.arguments = arguments
        self.name = f"nexus-worker-{next(_numbers)}"
        self.file = lab.directory / f"{self.name}.conf"
        self.settings = {
            "queue.url": getattr(queue, "url", queue), "queue.region": REGION,
            "queue.endpoint": _endpoint(getattr(queue, "url", queue)),
            "database.url": getattr(database, "url", database)}
        self.environment = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
                            "AWS_EC2_METADATA_DISABLED": "true"}
        self.environment.update(environment or {})
        self.process = None
        self.processes = []
        self.notify = None
        self.configure(settings or {})
        if start:
            self.start()

    def configure(self, settings):
        """Writes the file; a running daemon reads it at SIGHUP."""
        self.settings.update(settings)
        kept = {name: value for name, value in self.settings.items() if value is not None}
        self.file.touch(mode=0o600)
        self._give(self.file)
        self.file.write_text(settings_text(kept), encoding="utf-8")

    def _give(self, path):
        if self._account is not None:
            os.chown(path, self._account.pw_uid, self._account.pw_gid)

    def own_environment(self):
        """What it is told, but for who started it."""
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.lab.directory), "TZ": "UTC"}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"):
            if name in os.environ:
                environment[name] = os.environ[name]
        environment.update({n: v for n, v in self.environment.items() if v is not None})
        return environment

    def start(self, before=()):
        """before: the words of what runs it."""
        self.notify = NotifySocket(self.lab.directory / f"{self.name}.notify")
        self._give(self.notify.path)
        environment = {"NOTIFY_SOCKET": str(self.notify.path), **self.own_environment()}
        self.process = Process(
            self.lab, self.name,
            [*before, self.lab.program(self._program), "--config", self.file, *self.arguments],
            account=self._account, environment=environment, on_line=self._on_line)
        self.processes.append(self.process)
        return self

    def wait_ready(self, within=10.0):
        self.notify.feed.wait(re.compile("^READY=1$"), within)
        return self

    def wait_status(self, pattern, within=10.0, start=0):
        """The match in a STATUS line, in capitals or not."""
        return self.notify.feed.wait(
            re.compile(f"^STATUS=.*?({pattern})", re.IGNORECASE), within, start)

    def wait_line(self, pattern, within=10.0, start=0, times=1):
        return self.process.wait_line(pattern, within, start, times)

    def lines(self, pattern, start=0):
        return self.process.lines(pattern, start)

    def here(self):
        """The number of the next line: to wait for what comes after now."""
        return len(self.process.feed)

    def reload(self, until=None):
        """until: what to wait for in a line from now on."""
        here = self.here()
        self.process.send(signal.SIGHUP)
        if until:
            self.wait_line(until, start=here)

    def kill(self):
        """As the out-of-memory killer does it."""
        self.process.send(signal.SIGKILL)
        return self._ended(10)

    def stop(self, within=20.0):
        """SIGTERM, and its exit status."""
        self.process.send(signal.SIGTERM)
        return self._ended(within)

    def wait(self, within=10.0):
        """Its exit status when it ends by itself."""
        return self._ended(within)

    def _ended(self, within):
        status = self.process.wait(within)
        self._close_notify()
        return status

    def _close_notify(self):
        if self.notify is not None:
            self.notify.close()
            self.notify.path.unlink()
            self.notify = None

    def close(self):
        """Whatever it waits for: of two signals the second means now. But what has leaked is found
        at an orderly end alone."""
        if self.process is not None:
            if self.process.is_alive() and not self.lab.sanitized:
                self.process.send(signal.SIGINT)
            self.process.stop(signal.SIGTERM, within=5)
        self._close_notify()


def _endpoint(url):
    match = re.match(r"[a-z]+://[^/]+", url)
    return match[0] if match else None
