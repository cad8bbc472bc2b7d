"""A name whose address the test decides, or nobody: by a getaddrinfo() preloaded into the daemon."""

import ctypes
import re

from lab.feed import until
from lab.preload import preload


def can_be_left_alone():
    """Whether libcurl (7.87) gives up a lookup without waiting for its thread."""
    curl = ctypes.CDLL("libcurl.so.4")
    curl.curl_version.restype = ctypes.c_char_p
    version = re.match(rb"libcurl/(\d+)\.(\d+)", curl.curl_version())
    return tuple(map(int, version.groups())) >= (7, 87)


SILENCE = ""  # nobody answers


class Resolver:
    """environment: what makes a daemon ask here."""

    NAME = "lab.nexus.example"

    def __init__(self, lab, name):
        self._file = lab.directory / f"{name}.address"
        self._asked = lab.directory / f"{name}.address.asked"
        self._asked.touch()
        self.environment = {"RESOLVER_NAME": self.NAME, "RESOLVER_FILE": str(self._file),
                            **preload(lab, "resolver")}

    def lead_to(self, address):
        """Or "SERVFAIL", "NXDOMAIN", or SILENCE."""
        fresh = self._file.with_suffix(".new")
        fresh.write_text(address, encoding="ascii")
        fresh.rename(self._file)

    def wait_asked(self, cause):
        """Does what is to cause a lookup, and waits until that has begun."""
        before = self._asked.stat().st_size
        cause()
        until(lambda: self._asked.stat().st_size > before, what="a lookup")
