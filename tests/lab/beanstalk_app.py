"""A worker application, as one writes it for AWS Elastic Beanstalk: the daemon aws-sqsd POSTs each
message to it, and 200 means that the message is done.

It does what the job's payload says (status, retryAfter, say, seconds) and prints what it was asked,
a line of JSON for each request.
"""

import http.server
import json
import sys
import time


class Worker(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        agent, _, _ = self.headers["User-Agent"].partition("/")
        if agent != "aws-sqsd" or not self.client_address[0].startswith("127."):
            self.answer(403, "only for the daemon on this machine")
            return
        self.note(body.decode())
        self.work(json.loads(body)["payload"])

    def work(self, payload):
        time.sleep(payload.get("seconds", 0))
        status = payload.get("status", 200)
        if int(self.headers["X-Aws-Sqsd-Receive-Count"]) > payload.get("failures", 10):
            status = 200
        self.answer(status, payload.get("say", "done"), payload.get("retryAfter"))

    def answer(self, status, text, retry_after=None):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        if retry_after is not None:
            self.send_header("Retry-After", str(retry_after))
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if status != 204:
            self.wfile.write(content)

    def note(self, body):
        print(json.dumps({"path": self.path, "headers": dict(self.headers), "body": body,
                          "connection": self.client_address[1]}), flush=True)

    def log_message(self, *_):
        pass


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Worker)
    print(f"listening on {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
