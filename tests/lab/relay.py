"""Middlemen on loopback: a mere wire, a TLS server before a plain one, a proxy (CONNECT).

Each owns a listening socket, a thread for it and two for each connection, and ends them all with
close(). cut() ends the connections and goes on listening; stall() has it forget them without a
word, as a NAT does; hold() keeps all answers until let_go().
"""

import base64
import contextlib
import re
import socket
import struct
import threading
import time


class Relay:
    """Passes bytes on, both ways; how a connection begins is the subclass' affair."""

    def __init__(self, address="127.0.0.1", port=0):
        self.n_connections = 0
        self.dripping = None  # answers with this text in them go on byte by byte
        self.resetting = False  # whoever connects is reset
        self._open = set()
        self._stalled = set()
        self._let_go = threading.Event()
        self._let_go.set()
        self._closed = False
        self._lock = threading.Lock()
        self._listener = socket.create_server((address, port))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, name="relay", daemon=True).start()

    def begin(self, client):
        """The client's socket as it is from now on, and the one that it is joined with."""
        raise NotImplementedError

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.n_connections += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            stack.callback(client.close)
            if self.resetting:
                # Without lingering a close is a reset.
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                return
            near, far = self.begin(client)
            stack.callback(far.close)
            stack.callback(near.close)
            with self._lock:
                if self._closed:
                    return
                self._open |= {near, far}
            back = threading.Thread(target=self._pump, args=(far, near, True), daemon=True)
            back.start()
            self._pump(near, far)
            back.join()
            with self._lock:
                self._open -= {near, far}
                self._stalled -= {near, far}

    def _pump(self, source, sink, answers=False):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source in self._stalled:
                    continue
                if answers:
                    self._let_go.wait()
                if answers and self.dripping and self.dripping in data:
                    _drip(data, sink)
                else:
                    sink.sendall(data)
        _shut(source)
        _shut(sink)

    def stall(self):
        with self._lock:
            self._stalled |= self._open

    def hold(self):
        self._let_go.clear()

    def let_go(self):
        self._let_go.set()

    def cut(self):
        with self._lock:
            for one in self._open:
                _shut(one)

    def close(self):
        # Who was accepted and is not open yet is to come too late for cut().
        with self._lock:
            self._closed = True
        # A listener that is shut down wakes who waits in accept().
        _shut(self._listener)
        self._listener.close()
        self.cut()
        self.let_go()


def _shut(one):
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _drip(data, sink):
    """At twenty bytes a second no answer of SQS ends within a receive's deadline."""
    for byte in data:
        sink.sendall(bytes([byte]))
        time.sleep(0.05)


class Wire(Relay):
    """What is between here and a server on this machine."""

    def __init__(self, backend_port, **options):
        self._backend_port = backend_port
        super().__init__(**options)

    def begin(self, client):
        return client, socket.create_connection(("127.0.0.1", self._backend_port))


class TlsFront(Relay):
    """https:// before an http:// server on this machine."""

    def __init__(self, backend_port, context, **options):
        self._backend_port = backend_port
        self._context = context
        super().__init__(**options)

    def begin(self, client):
        near = self._context.wrap_socket(client, server_side=True)
        return near, socket.create_connection(("127.0.0.1", self._backend_port))


class Proxy(Relay):
    """
    CONNECT, and nothing else. user: "name:password" that it wants. status: what it answers
    instead. asked: whom it was asked for.
    """

    def __init__(self, user=None, status=200, **options):
        self.user = user
        self.status = status
        self.asked = []
        super().__init__(**options)

    def begin(self, client):
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(4096)
            if not data:
                raise OSError("it left")
            head += data
        host, port = re.match(rb"CONNECT ([^ ]+):(\d+) HTTP/1\.[01]\r\n", head).groups()
        self.asked.append(f"{host.decode()}:{port.decode()}")
        status = self.status if self._knows(head) else 407
        if status != 200:
            client.sendall(b"HTTP/1.1 %d Refused\r\nContent-Length: 0\r\n\r\n" % status)
            raise OSError("refused")
        far = socket.create_connection((host.decode(), int(port)))
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return client, far

    def _knows(self, head):
        if self.user is None:
            return True
        word = base64.b64encode(self.user.encode())
        return b"proxy-authorization: basic " + word.lower() in head.lower()
