"""Certificates, made by the openssl command when a test wants them."""

import subprocess


class Authority:
    """A certificate authority in a directory of its own."""

    CONFIGURATION = """
[ca]
default_ca = here
[here]
database = index.txt
new_certs_dir = .
rand_serial = yes
certificate = ca.pem
private_key = ca.key
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
"""

    def __init__(self, directory):
        self._directory = directory
        directory.mkdir()
        self.bundle = directory / "ca.pem"
        (directory / "index.txt").touch()
        (directory / "openssl.cnf").write_text(self.CONFIGURATION, encoding="utf-8")
        self._openssl("req", "-x509", *self._new_key("ca.key"), "-subj", "/CN=lab authority",
                      "-addext", "basicConstraints=critical,CA:TRUE", "-out", "ca.pem")

    def issue(self, name, alternative="IP:127.0.0.1", since="20200101", until="20491231"):
        """The files of a certificate and its key."""
        extensions = self._directory / f"{name}.ext"
        extensions.write_text(f"subjectAltName = {alternative}\n", encoding="utf-8")
        self._openssl("req", *self._new_key(f"{name}.key"), "-subj", f"/CN={name}",
                      "-out", f"{name}.csr")
        self._openssl("ca", "-batch", "-notext", "-in", f"{name}.csr", "-out", f"{name}.pem",
                      "-extfile", extensions.name, "-startdate", f"{since}000000Z",
                      "-enddate", f"{until}000000Z")
        return self._directory / f"{name}.pem", self._directory / f"{name}.key"

    @staticmethod
    def _new_key(name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", name]

    def _openssl(self, command, *words):
        subprocess.run(["openssl", command, "-config", "openssl.cnf", *words], check=True,
                       cwd=self._directory, stdin=subprocess.DEVNULL, capture_output=True)
