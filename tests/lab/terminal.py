"""A real terminal: tmux' own, of any size, in which one command line runs."""

import itertools
import os
import re
import shlex
import shutil
import subprocess

from lab.feed import until
from lab.process import Process

_numbers = itertools.count(1)

# What tmux does itself with keys, bells and titles stays away.
OPTIONS = "set -g status off\nset -g escape-time 0\nset -g exit-empty off\n"


def has_terminal():
    return shutil.which("tmux") is not None


class Terminal:
    """
    Owns a tmux server. words: run in it, between a line "before" and a line "after" with its exit
    status and whether the terminal still takes lines.
    """

    def __init__(self, lab, words, environment, width=80, height=24):
        name = f"tmux-{next(_numbers)}"
        self._socket = lab.directory / name
        options = lab.directory / f"{name}.conf"
        options.write_text(OPTIONS)
        environment = {**environment, "LC_ALL": "C.UTF-8", "SHELL": "/bin/sh"}
        self._server = Process(lab, name, ["tmux", "-u", "-D", "-S", self._socket, "-f", options],
                               environment=environment)
        until(self._socket.exists, what="tmux")
        line = (f"trap : INT QUIT; echo before; {shlex.join(map(str, words))}; echo after=$?"
                " $(stty -a | grep -ow -e -icanon -e icanon -e -echo -e echo); exec sleep 600")
        self._tmux("new-session", "-d", "-x", width, "-y", height, f"exec sh -c {shlex.quote(line)}")

    def _tmux(self, *words):
        done = subprocess.run(["tmux", "-u", "-S", self._socket, *map(str, words)], check=True,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        return done.stdout

    def _tell(self, *names):
        return self._tmux("display", "-p", " ".join(f"#{{{name}}}" for name in names)).split()

    def lines(self):
        """What is to be seen, from the top."""
        return self._tmux("capture-pane", "-p").splitlines()

    def colours(self):
        """The same, with what gives it its colours."""
        return self._tmux("capture-pane", "-e", "-p").splitlines()

    def text(self):
        return "\n".join(self.lines())

    def wait(self, pattern, within=10.0):
        """The match in what is to be seen."""
        return until(lambda: re.search(pattern, self.text(), re.MULTILINE), within,
                     what=f"{pattern!r} on the terminal")

    def keys(self, *names):
        self._tmux("send-keys", *names)

    def resize(self, width, height):
        self._tmux("resize-window", "-x", width, "-y", height)

    def program(self):
        """The process that runs in it now."""
        shell = int(self._tell("pane_pid")[0])
        with open(f"/proc/{shell}/task/{shell}/children", encoding="ascii") as file:
            child, = map(int, file.read().split())
        return child

    def modes(self):
        """Whether it is on its second screen, shows the cursor, and wraps lines."""
        return tuple(flag == "1" for flag in self._tell("alternate_on", "cursor_flag", "wrap_flag"))

    def close(self):
        self._server.stop()
