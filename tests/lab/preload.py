"""Small libraries that are loaded into a daemon before its own, to have the system misbehave."""

import os
import pathlib
import subprocess


def preload(lab, name):
    """The environment that loads lab/NAME.c, compiled the first time."""
    library = lab.directory / f"{name}.so"
    if not library.exists():
        source = pathlib.Path(__file__).with_name(f"{name}.c")
        subprocess.run(["cc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", library, source],
                       check=True, stdin=subprocess.DEVNULL, capture_output=True)
    # A sanitizer would rather come first; the library makes do with coming before it.
    options = [os.environ.get("ASAN_OPTIONS"), "verify_asan_link_order=0"]
    return {"LD_PRELOAD": str(library), "ASAN_OPTIONS": ":".join(filter(None, options))}
