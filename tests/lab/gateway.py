"""An HTTP gateway before the local services that knows all that passes, and may answer with it."""

import collections
import contextlib
import http.client
import http.server
import json
import re
import threading

Request = collections.namedtuple("Request", "action head body token handles")
Answer = collections.namedtuple("Answer", "status headers body")

# In what the metadata service, a container's endpoint and the token service tell, and are told.
KEYS = re.compile(rb'(?:SecretAccessKey|SessionToken|Token)\W+([A-Za-z0-9+/=]{16,})')
TOKENS = ("X-aws-ec2-metadata-token", "X-Amz-Security-Token", "Authorization")


class Gateway:
    """
    Owns a listening socket, and a thread for each connection. handles: of all messages that came
    through. secrets: the keys and tokens that did. answer: called with each Request to SQS; what it
    returns is answered in its place, unless that is None. garble: called with the request
    and the body of each answer that has keys in it; returns the Answer that is given instead.
    """

    def __init__(self, backend_port):
        self.handles, self.secrets = set(), set()
        self.answer = self.garble = None
        self.backend_port = backend_port
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
        self._server.daemon_threads = True
        self._server.gateway = self
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.02,), name="gateway",
                         daemon=True).start()

    @property
    def endpoint(self):
        return f"http://127.0.0.1:{self.port}"

    def url(self, queue):
        """That queue's, through here."""
        return f"{self.endpoint}/123456789012/{queue.name}"

    def close(self):
        self._server.shutdown()
        self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def handle(self):
        """Who asks may be killed."""
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_POST(self):
        gateway = self.server.gateway
        body = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answer = gateway.answer and self._is_for_sqs() and gateway.answer(self._request(body))
        # Either side may leave at any time.
        try:
            self._send(answer or self._forward(gateway, body))
        except (OSError, http.client.HTTPException):
            self.close_connection = True

    do_GET = do_PUT = do_POST

    def _send(self, answer):
        self.send_response_only(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        self.wfile.write(answer.body)

    def _is_for_sqs(self):
        return "X-Amz-Target" in self.headers

    def _request(self, body):
        entries = json.loads(body).get("Entries", [])
        return Request(self.headers["X-Amz-Target"].rpartition(".")[2], str(self.headers),
                       body.decode(), self.headers.get("X-Amz-Security-Token"),
                       [entry["ReceiptHandle"] for entry in entries if "ReceiptHandle" in entry])

    def _forward(self, gateway, body):
        connection = http.client.HTTPConnection("127.0.0.1", gateway.backend_port, timeout=60)
        try:
            connection.request(self.command, self.path, body, dict(self.headers.items()))
            response = connection.getresponse()
            text = response.read()
        finally:
            connection.close()
        if self._is_for_sqs():
            gateway.handles |= {message["ReceiptHandle"]
                                for message in json.loads(text or "{}").get("Messages", [])}
        kept = ("Content-Type", "x-amzn-query-error", "Date",
                "X-aws-ec2-metadata-token-ttl-seconds")
        headers = {name: response.headers[name] for name in kept if name in response.headers}
        asked = f"{self.path} {self.headers}{body.decode()}"
        return self._overhear(gateway, asked, Answer(response.status, headers, text))

    def _overhear(self, gateway, asked, answer):
        told = [self.headers[name] for name in TOKENS if name in self.headers]
        gateway.secrets |= {word for word in told if not word.startswith("AWS4-")}
        if keys := KEYS.findall(answer.body):
            gateway.secrets |= {key.decode() for key in keys}
            if gateway.garble:
                return gateway.garble(asked, answer.body)
        return answer

    def log_message(self, *_):
        """Nobody reads that."""
