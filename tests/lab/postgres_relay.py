"""A middleman before Postgres, or before its pooler, who understands what the ledger is doing.

It knows the protocol (3.0) well enough to find a transaction's COMMIT and its answer, and what the
transaction was for: "begin", "finish" or "touch" of at least one row. On an order, each good for
one transaction, it loses the answer of the COMMIT together with the connection, or it keeps a
whole transaction back and delivers it when its sender has long given it up.
"""

import contextlib
import socket
import threading

from lab.relay import Relay

# What each of the ledger's statements is known by.
KINDS = {"begin": b"SET status = 'processing'", "finish": b"error = due.reason",
         "touch": b"SET updated_at = "}
ENCRYPTION = (80877103, 80877104)  # SSL, GSSAPI
COMMITTED = b"COMMIT\0"


class _Stream:
    """Reads whole messages from a socket."""

    def __init__(self, source):
        self._source = source
        self._bytes = b""

    def _have(self, n_bytes):
        while len(self._bytes) < n_bytes:
            data = self._source.recv(65536)
            if not data:
                return False
            self._bytes += data
        return True

    def take(self, n_bytes):
        """So many bytes; none at the end."""
        if not self._have(n_bytes):
            return b""
        taken, self._bytes = self._bytes[:n_bytes], self._bytes[n_bytes:]
        return taken

    def message(self, head=1):
        """head: how many bytes are before the length."""
        if not self._have(head + 4):
            return b""
        return self.take(head + int.from_bytes(self._bytes[head:head + 4], "big"))


class _Talk:
    """One connection, as far as it was heard."""

    def __init__(self, client):
        self.questions = _Stream(client)
        self.doing = set()     # what the transaction is for that was sent last
        self.kept_back = None  # a transaction
        self.delivered = threading.Event()
        self._kind = None
        self._synced = True

    def hear(self, message):
        """From the client. True at the end of what it sends together."""
        word = message[:1]
        if self._synced:
            self.doing = set()
        if word == b"P":
            query = message[5:].split(b"\0")[1]
            self._kind = next((kind for kind, words in KINDS.items() if words in query), None)
        elif word == b"B" and self._kind and _first_array_has_elements(message):
            self.doing.add(self._kind)
        self._synced = word == b"S"
        return word not in (b"P", b"B", b"D", b"E", b"C")


def _first_array_has_elements(bind):
    at = bind.index(b"\0", bind.index(b"\0", 5) + 1) + 1
    n_formats = int.from_bytes(bind[at:at + 2], "big")
    at += 2 + 2 * n_formats + 2 + 4
    return int.from_bytes(bind[at:at + 4], "big") > 0


class PostgresRelay(Relay):
    """Before a port of this machine."""

    def __init__(self, backend_port, **options):
        self._backend_port = backend_port
        self._talks = {}
        self._to_cut = []
        self._to_keep_back = []
        self._kept_back = []
        self.n_cut = 0
        super().__init__(**options)

    def lose_commit_of(self, *kinds, times=1):
        """Of the next transactions that do all of that."""
        with self._lock:
            self._to_cut += [set(kinds)] * times

    def keep_back(self, *kinds):
        """The next transaction that does all of that."""
        with self._lock:
            self._to_keep_back.append(set(kinds))

    def n_kept_back(self):
        return len(self._kept_back)

    def deliver(self, within=10.0):
        """What was kept back; returns when it has been answered, to nobody."""
        for talk, far in self._kept_back:
            far.sendall(talk.kept_back)
            if not talk.delivered.wait(within):
                raise TimeoutError("Postgres did not answer what was delivered late")
        self._kept_back.clear()

    def begin(self, client):
        talk = _Talk(client)
        while int.from_bytes((first := talk.questions.message(head=0))[4:8], "big") in ENCRYPTION:
            client.sendall(b"N")
        far = socket.create_connection(("127.0.0.1", self._backend_port))
        far.sendall(first)
        self._talks[client] = self._talks[far] = talk
        return client, far

    def _ordered(self, orders, talk):
        with self._lock:
            found = next((order for order in orders if order <= talk.doing), None)
            if found is not None:
                orders.remove(found)
            return found is not None

    def _pump(self, source, sink, answers=False):
        talk = self._talks[source]
        with contextlib.suppress(OSError):
            if answers:
                self._pass_answers(_Stream(source), sink, talk)
            else:
                self._pass_questions(talk, sink)
        if answers or talk.kept_back is None:
            for one in (source, sink):
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def _pass_questions(self, talk, far):
        together = b""
        while message := talk.questions.message():
            together += message
            if not talk.hear(message):
                continue
            if self._ordered(self._to_keep_back, talk):
                talk.kept_back = together
                self._kept_back.append((talk, far))
                talk.questions.message()  # whoever waits for an answer says nothing more
                return
            far.sendall(together)
            together = b""

    def _pass_answers(self, stream, near, talk):
        while message := stream.message():
            if talk.kept_back is not None:
                # Nobody is there any more to whom it could be passed on.
                if message[:1] == b"Z":
                    talk.delivered.set()
                    return
            elif message[:1] == b"C" and message[5:] == COMMITTED and self._ordered(
                    self._to_cut, talk):
                self.n_cut += 1
                return
            else:
                near.sendall(message)
