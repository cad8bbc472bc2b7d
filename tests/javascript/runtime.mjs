// The bootstrap as a process, with a bundle and a Runtime API of its own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { Mailbox, RuntimeApi } from "./runtime_api.mjs";

const bootstrap = path.join(process.env.NEXUS_BUILD, "lib", "nexus-worker", "bootstrap.mjs");
const PATIENCE = 20_000;

/** The promise's value; an error that names it if that takes too long. */
function within(promise, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come`)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** A runtime that was started, with the Runtime API that it uses. */
class Runtime {
  stdout = "";
  stderr = "";
  #lines = new Mailbox();

  constructor(api, child) {
    this.api = api;
    this.child = child;
    this.ended = once(child, "close").then(([status]) => status);
    child.stdout.setEncoding("utf8").on("data", (text) => { this.stdout += text; });
    child.stderr.setEncoding("utf8").on("data", (text) => {
      this.stderr += text;
      this.#lines.put(text);
    });
  }

  /** What it posts next. */
  async post() {
    const early = this.ended.then((status) =>
      assert.fail(`it ended with status ${status} and posted nothing\n${this.stderr}`));
    early.catch(() => {});
    return within(Promise.race([this.api.posts.take(), early]), "a post");
  }

  /** Waits until it asks for work. */
  asks() {
    return within(this.api.asked.take(), "a request for an invocation");
  }

  /** What came of that event: its result, parsed. */
  async result(event, headers) {
    const post = await this.raw(event, headers);
    assert.equal(post.what, "invocation/response", post.body);
    return JSON.parse(post.body);
  }

  /** The same, not parsed. */
  raw(event, headers) {
    this.api.give(event, headers);
    return this.post();
  }

  /** The event must fail; the error, and its type as the header has it. */
  async error(event, headers) {
    const post = await this.raw(event, headers);
    assert.equal(post.what, "invocation/error", post.body);
    return errorIn(post);
  }

  /** The status that it ends with by itself. */
  end() {
    return within(this.ended, "its end");
  }

  /** The same; it must have posted nothing else. */
  async status() {
    const status = await this.end();
    assert.deepEqual(this.api.posts.items, []);
    return status;
  }

  /** Waits until its standard error has that. */
  async says(pattern) {
    while (!pattern.test(this.stderr)) await within(this.#lines.take(), `${pattern}`);
  }
}

/** The error in a post; every one must be of this form. */
export function errorIn({ headers, body }) {
  const error = JSON.parse(body);
  const header = headers["lambda-runtime-function-error-type"];
  assert.equal(typeof error.errorMessage, "string");
  assert.ok(Array.isArray(error.trace));
  return { type: error.errorType, message: error.errorMessage, trace: error.trace, header };
}

/** A new folder with files of these names and texts. */
function write(files) {
  // With what a URL would take for something else.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), "bundle #1 100%25-"));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    fs.writeFileSync(path.join(folder, name), text);
  }
  return folder;
}

/**
 * Has a check see the bundle of these files run. options: handler; environment, what is otherwise
 * in it (null: not there) for a bundle in that folder; api, what the Runtime API does otherwise.
 */
export async function running(files, check, options = {}) {
  const folder = write(files);
  const api = Object.assign(new RuntimeApi(), options.api);
  const environment = {
    PATH: process.env.PATH, TZ: ":UTC", _HANDLER: options.handler ?? "index.handler",
    LAMBDA_TASK_ROOT: folder, AWS_LAMBDA_RUNTIME_API: await api.listen(),
    AWS_LAMBDA_FUNCTION_NAME: "thumbnails", AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: "256", AWS_LAMBDA_LOG_GROUP_NAME: "/aws/lambda/thumbnails",
    AWS_LAMBDA_LOG_STREAM_NAME: "2026/01/02/[$LATEST]0123",
    ...options.environment?.(folder),
  };
  for (const [name, value] of Object.entries(environment))
    if (value === null) delete environment[name];
  const child = spawn(process.execPath, [bootstrap],
    { cwd: folder, env: environment, stdio: ["ignore", "pipe", "pipe"] });
  const runtime = new Runtime(api, child);
  try {
    await check(runtime, folder);
    assert.deepEqual(api.violations, []);
  } finally {
    child.kill("SIGKILL");
    await runtime.ended;
    api.close();
    fs.rmSync(folder, { recursive: true });
  }
}

// Bundles: a module with that text, and one whose handler does that.
export const esm = (text) => ({ "index.mjs": text });
export const doing = (body) => esm(`export const handler = async (event, context) => { ${body} };`);
export const says = (text) => `exports.handler = async () => "${text}";`;
export const exportsSaying = (text) => `export const handler = async () => "${text}";`;

/** The bundle's handler answers with that. */
export const answers = (expected, files, options, event) => () =>
  running(files, async (runtime) =>
    assert.deepEqual(await runtime.result(event), expected), options);

/** The bundle must be refused with that error, and by an end. */
export async function refused(type, message, files, options = {}) {
  await running(files, async (runtime) => {
    const post = await runtime.post();
    assert.equal(post.what, "init/error");
    const error = errorIn(post);
    assert.equal(error.type, type);
    assert.equal(error.header, type);
    assert.match(error.message, message);
    assert.equal(await runtime.status(), options.status ?? 129);
    assert.match(runtime.stderr, new RegExp(`^(Uncaught|Unhandled) .*${type}`, "m"));
    assert.deepEqual(runtime.api.asked.items, [], "it must not ask for work");
  }, options);
}
