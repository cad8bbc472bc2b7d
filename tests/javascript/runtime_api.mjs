// A Lambda Runtime API for one runtime: gives it invocations, keeps what it posts, and lists what
// it did against the rules.

import { once } from "node:events";
import http from "node:http";

const arn = "arn:aws:lambda:us-east-1:123456789012:function:thumbnails";

/** A list that can be waited for. */
export class Mailbox {
  items = [];
  #waiting = [];

  put(item) {
    const taker = this.#waiting.shift();
    if (taker) taker(item);
    else this.items.push(item);
  }

  take() {
    if (this.items.length > 0) return Promise.resolve(this.items.shift());
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

export class RuntimeApi {
  posts = new Mailbox(); // { what, id, headers, body } of each
  asked = new Mailbox(); // one for each time that an invocation was asked for
  violations = [];
  connections = 0;
  status = { next: 200, response: 202, error: 202 };
  afterNext = () => {}; // called with the connection once an invocation has left by it
  #invocations = new Mailbox();
  #open = null;
  #number = 0;
  #gate = null;
  #server = http.createServer((request, answer) => this.#on(request, answer));

  async listen() {
    this.#server.on("connection", () => { this.connections += 1; });
    this.#server.keepAliveTimeout = 0;
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
    return `127.0.0.1:${this.#server.address().port}`;
  }

  close() {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  /** Has the runtime get that event, or that text. headers: null leaves one out. */
  give(event, headers = {}) {
    const id = `request-${++this.#number}`;
    const all = { "Content-Type": "application/json", "Lambda-Runtime-Aws-Request-Id": id,
      "Lambda-Runtime-Deadline-Ms": Date.now() + 60_000,
      "Lambda-Runtime-Invoked-Function-Arn": arn, ...headers };
    const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== null));
    const text = typeof event === "string" ? event : JSON.stringify(event ?? {});
    this.#invocations.put({ id, text, headers: kept });
    return id;
  }

  /** Answers no response until the function that is returned is called. */
  hold() {
    let open;
    this.#gate = new Promise((resolve) => { open = resolve; });
    return open;
  }

  async #on(request, answer) {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    const [, version, place, ...names] = request.url.split("/");
    if (version !== "2018-06-01" || place !== "runtime") this.violations.push(request.url);
    if (request.method === "GET") return this.#next(answer);
    const what = names.pop();
    const id = names[1];
    if (names[0] !== "init" && id !== this.#open) this.violations.push(`${what} for ${id}`);
    this.#open = null;
    this.posts.put({ what: `${names[0]}/${what}`, id, headers: request.headers, body });
    await this.#gate;
    answer.writeHead(this.status[what], { "Content-Type": "application/json" });
    answer.end('{"status":"OK"}\n');
  }

  async #next(answer) {
    if (this.#open) this.violations.push(`next while ${this.#open} is open`);
    this.asked.put(true);
    if (this.status.next !== 200) return answer.writeHead(this.status.next).end();
    const { id, text, headers } = await this.#invocations.take();
    this.#open = id;
    const { socket } = answer;
    answer.on("finish", () => this.afterNext(socket));
    answer.writeHead(200, headers).end(text);
  }
}
