"""A private Postgres cluster, and a private PgBouncer in transaction mode before it.

Both listen on a free port of the loopback; the cluster on a Unix socket of its own too, through
which the lab is its superuser. Programs under test are the user nexus, with a password (SCRAM).
"""

import fcntl
import glob
import itertools
import os
import pathlib
import shutil
import signal
import socket
import subprocess

import psycopg2

from lab.feed import Timeout
from lab.process import Process, children, command_as, unprivileged

USER = "nexus"
PASSWORD = "correct horse battery"
_numbers = itertools.count(1)


def server_program(name):
    """Debian keeps the servers' programs out of the path, by version."""
    found = glob.glob(f"/usr/lib/postgresql/*/bin/{name}")
    return max(found, key=lambda path: int(path.split("/")[4])) if found else shutil.which(name)


def copy(cluster, target):
    """With its owner and modes."""
    subprocess.run(["cp", "-a", cluster, target], check=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_on_free_port(server):
    """Sets its port. One that was free may be taken by the time that the server asks for it."""
    for _ in range(5):
        server.port = free_port()
        try:
            return server.start()
        except Timeout:
            if not server.process.lines("(?i)address already in use"):
                raise
    raise Timeout(f"{type(server).__name__} found no free port")


def url(port, database, password=PASSWORD, host="127.0.0.1"):
    quoted = password.replace(" ", "%20")
    return f"postgresql://{USER}:{quoted}@{host}:{port}/{database}"


class Database:
    """One database: where it is for programs, and a superuser's look into it."""

    def __init__(self, postgres, name):
        self.postgres = postgres
        self.name = name
        self.url = url(postgres.port, name)
        self._connection = None

    def execute(self, sql, arguments=None):
        """Runs it, committed at once; the rows as tuples, or None."""
        if self._connection is None or self._connection.closed:
            self._connection = self.connect()
            self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            try:
                cursor.execute(sql, arguments)
            except psycopg2.OperationalError:
                self._connection.close()
                raise
            return cursor.fetchall() if cursor.description else None

    def connect(self):
        """A superuser's connection, the caller's own."""
        return psycopg2.connect(host=str(self.postgres.home), port=self.postgres.port,
                                user="postgres", dbname=self.name)

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Postgres:
    """
    Owns a cluster and its server process. durable=False: for tests, fsync and friends off.
    journal: where its WAL is (None: with its data). settings: over the lab's own.
    """

    def __init__(self, lab, durable=False, timezone=None, journal=None, **settings):
        self._lab = lab
        self._account = unprivileged()
        self.home = lab.directory / f"postgres-{next(_numbers)}"
        self.home.mkdir(mode=0o700)
        if self._account:
            os.chown(self.home, self._account.pw_uid, self._account.pw_gid)
        self._options = {"timezone": timezone or "UTC", "listen_addresses": "127.0.0.1",
                         "unix_socket_directories": self.home, "max_connections": 100,
                         "track_commit_timestamp": "on"}
        if not durable:
            self._options.update(fsync="off", full_page_writes="off", autovacuum="off")
        self._options.update(settings)
        self._databases = []
        self.process = None
        self.port = None
        self._make(journal)
        start_on_free_port(self)
        self._populate()

    def _make(self, journal):
        """A copy of what was made once for all that run Postgres as the same user, where that will
        do: initdb takes ten times as long."""
        if journal:
            return self._initialise(f"--waldir={journal}")
        version = subprocess.run([server_program("postgres"), "--version"], check=True,
                                 capture_output=True, text=True)
        owner = self._account.pw_uid if self._account else os.getuid()
        made = self._lab.build / "clusters" / f"{version.stdout.split()[2]}-of-{owner}"
        made.parent.mkdir(exist_ok=True)
        with open(made.parent / "lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not made.exists():
                fresh = made.parent / "fresh"
                shutil.rmtree(fresh, ignore_errors=True)
                self._initialise()
                copy(self.home / "data", fresh)
                return fresh.rename(made)
        return copy(made, self.home / "data")

    def _initialise(self, *words):
        self._run("initdb", "-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8",
                  "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync",
                  "--no-instructions", *words)

    def _populate(self):
        self.database("postgres").execute(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")

    def _run(self, name, *words):
        """One of the server's programs, which makes the data."""
        with open(self.home.with_suffix(".log"), "w+", encoding="utf-8") as log:
            done = subprocess.run(
                command_as(self._account, [server_program(name), "-D", self.home / "data", *words]),
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                cwd=self._lab.directory, check=False, pass_fds=[self._lab.lifeline])
            log.seek(0)
            if done.returncode:
                raise RuntimeError(f"{name} failed:\n{log.read()}")

    def start(self):
        options = [word for key, value in self._options.items() for word in ("-c", f"{key}={value}")]
        self.process = Process(
            self._lab, "postgres",
            [server_program("postgres"), "-D", self.home / "data", "-p", self.port, *options],
            account=self._account, death=signal.SIGQUIT)
        self.process.wait_line("ready to accept .*connections", within=60)

    def stop(self, how=signal.SIGINT):
        """SIGINT: with a checkpoint, at once for clients. SIGQUIT: as if the power had gone."""
        for database in self._databases:
            database.close()
        self.process.stop(how, within=30)

    def freeze(self):
        """It hangs: the kernel takes connections and bytes, and nobody answers."""
        # The server first, which then starts no other.
        self.process.send(signal.SIGSTOP)
        for pid in children(self.process.pid):
            os.kill(pid, signal.SIGSTOP)

    def thaw(self):
        for pid in (*children(self.process.pid), self.process.pid):
            os.kill(pid, signal.SIGCONT)

    def restart(self, how=signal.SIGINT):
        self.stop(how)
        self.start()

    def database(self, name):
        database = Database(self, name)
        self._databases.append(database)
        return database

    def create_database(self):
        """A new, empty one, owned by the user nexus."""
        name = f"lab_{next(_numbers)}"
        self.database("postgres").execute(f"CREATE DATABASE {name} OWNER {USER}")
        return self.database(name)

    def close(self):
        for database in self._databases:
            database.close()
        self.process.stop(signal.SIGQUIT)


class Standby(Postgres):
    """Owns a copy of that cluster, which follows it and can only be read until it is promoted."""

    def __init__(self, lab, primary):
        self._primary = primary
        super().__init__(lab)

    def _make(self, _):
        self._run("pg_basebackup", "-h", self._primary.home, "-p", self._primary.port, "-U",
                  "postgres", "--write-recovery-conf", "--checkpoint=fast", "--no-sync")

    def _populate(self):
        """All that is in it came from the primary."""

    def promote(self):
        self.database("postgres").execute("SELECT pg_promote()")


class PgBouncer:
    """
    Owns a pooler in transaction mode before every database of one cluster. port: where it meets
    that, if there is somebody between them.
    """

    def __init__(self, lab, postgres, pool_size=5, port=None, **settings):
        self._lab = lab
        self._server_port = port or postgres.port
        self._account = unprivileged()
        self.home = lab.directory / f"pgbouncer-{next(_numbers)}"
        self.home.mkdir(mode=0o700)
        self._settings = {"listen_addr": "127.0.0.1", "unix_socket_dir": "",
                          "auth_type": "scram-sha-256", "auth_file": self.home / "users",
                          "pool_mode": "transaction", "default_pool_size": pool_size,
                          "max_client_conn": 100, **settings}
        (secret,), = postgres.database("postgres").execute(
            "SELECT rolpassword FROM pg_authid WHERE rolname = %s", (USER,))
        (self.home / "users").write_text(f'"{USER}" "{secret}"\n', encoding="utf-8")
        self.port = None
        self.process = None
        start_on_free_port(self)

    def start(self):
        settings = {**self._settings, "listen_port": self.port}
        text = "".join(f"{key} = {value}\n" for key, value in settings.items())
        configuration = pathlib.Path(self.home / "pgbouncer.ini")
        configuration.write_text(
            f"[databases]\n* = host=127.0.0.1 port={self._server_port}\n[pgbouncer]\n{text}",
            encoding="utf-8")
        if self._account:
            for path in (self.home, *self.home.iterdir()):
                os.chown(path, self._account.pw_uid, self._account.pw_gid)
        self.process = Process(self._lab, "pgbouncer", [shutil.which("pgbouncer",
                               path=os.environ.get("PATH", "") + ":/usr/sbin"), configuration],
                               account=self._account)
        self.process.wait_line("process up", within=20)

    def url(self, database):
        return url(self.port, database.name)

    def close(self):
        self.process.stop(signal.SIGINT)
