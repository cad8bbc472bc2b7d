"""The Lambda bundle of tests/javascript/bundle as a ZIP file, as the application deploys its own.

With it go the packages that it uses and theirs, from where make has had npm install them: so ask
javascript.why_no_sdk() first.
"""

import json
import zipfile

from lab.javascript import BUILD, SCRIPTS

SOURCE = SCRIPTS / "bundle"
INSTALLED = BUILD / "javascript"
USED = ("@aws-sdk/client-sts", "pg")
NOT_RUN = (".ts", ".map", ".md")


def pack(target, changes=None):
    """Writes the ZIP file. changes: texts of files by name that are other, or (None) not there."""
    files = {path.name: path.read_bytes() for path in SOURCE.iterdir()}
    for name, text in (changes or {}).items():
        files.pop(name, None)
        if text is not None:
            files[name] = text.encode()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
        for path in _packages():
            _add(archive, path)


def _add(archive, package):
    """That package's own files; those inside it that it uses are packages of their own."""
    folder = INSTALLED / package
    for path in sorted(folder.rglob("*")):
        inner = "node_modules" in path.relative_to(folder).parts
        if path.is_file() and not inner and path.suffix not in NOT_RUN:
            archive.write(path, path.relative_to(INSTALLED))


def _packages():
    """Where what the bundle uses is installed, by the lock file's names for it."""
    locked = json.loads((INSTALLED / "package-lock.json").read_text())["packages"]
    found, ahead = set(), [("", name) for name in USED]
    while ahead:
        user, name = ahead.pop()
        package = _resolve(locked, user, name)
        if package is None or package in found:
            continue
        found.add(package)
        wanted = locked[package]
        ahead += [(package, each) for kind in ("dependencies", "optionalDependencies")
                  for each in wanted.get(kind, ())]
    return sorted(found)


def _resolve(locked, user, name):
    """As node does: beside the user's own packages, then further out. None: an optional one."""
    while True:
        package = f"{user}/node_modules/{name}".lstrip("/")
        if package in locked:
            return package if (INSTALLED / package).is_dir() else None
        if not user:
            return None
        user = user.rpartition("node_modules/")[0].rstrip("/")
