// Runs an unmodified AWS Lambda function for Node.js 18 to 24: a client of the Lambda Runtime API,
// version 2018-06-01.
//
//     AWS_LAMBDA_RUNTIME_API=127.0.0.1:PORT _HANDLER=index.handler LAMBDA_TASK_ROOT=FOLDER ... \
//         node bootstrap.mjs
//
// Loads the handler, then again and again: asks for an invocation, has the handler do it, and posts
// what came of it. Handlers find what AWS's own client (3.x; for Node.js 24 its successor) gives
// them. One thing is otherwise: what is written to the console stays as it is, without time and
// request id, unless AWS_LAMBDA_LOG_FORMAT is JSON; and warnings and errors go to standard error.
//
// Exit status: 129 the handler could not be loaded, or an exception that nobody caught; 128 a
// rejected promise that nobody caught; 1 the Runtime API is not there, or breaks its own rules.

import fs from "node:fs";
import http from "node:http";
import { createRequire } from "node:module";
import path from "node:path";
import { Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { pathToFileURL } from "node:url";
import util from "node:util";

// A function that watches its own calls replaces these in the module: our calls are not its own.
const { Agent, request } = http;

// ---- What the environment says -------------------------------------------------------------

const environment = { ...process.env };
const api = environment.AWS_LAMBDA_RUNTIME_API;
const root = environment.LAMBDA_TASK_ROOT ?? process.cwd();
const logsJson = environment.AWS_LAMBDA_LOG_FORMAT?.toUpperCase() === "JSON";

const major = Number.parseInt(process.versions.node, 10);

/** Callbacks, and what belongs to them, ended with Node.js 24. */
const hasCallbacks = major < 24;

// Of this node, which nobody but itself is sure of.
process.env.AWS_EXECUTION_ENV ??= `AWS_Lambda_nodejs${major}.x`;

// ---- What a handler that failed is told of as ----------------------------------------------

const TEXT_MAX = 32 * 1024;

/** An error of this runtime's own, by the name that AWS gives it. */
class RuntimeError extends Error {
  constructor(name, message, stack) {
    super(message);
    this.name = `Runtime.${name}`;
    if (stack) this.stack = stack;
    else Error.captureStackTrace(this, RuntimeError);
  }
}

/** Without halves of characters, which not every reader of JSON takes. */
function clip(text) {
  const clipped = text.length > TEXT_MAX ? `${text.slice(0, TEXT_MAX)}…` : text;
  return Buffer.from(clipped).toString();
}

/** Errors of another realm, and of libraries older than classes, are errors too. */
function isError(thrown) {
  const parts = [thrown?.name, thrown?.message, thrown?.stack];
  return thrown instanceof Error || util.types.isNativeError(thrown) ||
    parts.every((part) => part && typeof part === "string");
}

/** Anything can be thrown; the Runtime API's form of it. */
function describe(thrown) {
  try {
    if (!isError(thrown))
      return { errorType: typeof thrown, errorMessage: clip(String(thrown)), trace: [] };
    // Of several errors in one, as of a connection tried in several ways, only the parts say why.
    const message = thrown.message || thrown.errors?.map?.(String).join("; ") || "";
    return { errorType: clip(`${thrown.name || "Error"}`), errorMessage: clip(`${message}`),
      trace: clip(`${thrown.stack ?? ""}`).split("\n") };
  } catch {
    return { errorType: "handled", errorMessage: "an error that cannot be read", trace: [] };
  }
}

/** As a header may have it. */
const headerOf = (text) => text.slice(0, 200).replace(/[^\x20-\x7e]/g, "?");

// ---- The console ---------------------------------------------------------------------------

const LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];
const METHODS = ["trace", "debug", "info", "log", "warn", "error", "fatal"];

function errorFields(error) {
  return { errorType: error.constructor?.name ?? "UnknownError", errorMessage: error.message,
    stackTrace: typeof error.stack === "string" ? error.stack.split("\n") : [] };
}

/** AWS's form: a single value is written as JSON has it, several as the console formats them. */
function recordOf(level, values) {
  const record = { timestamp: new Date().toISOString(), level, requestId: duty?.id,
    tenantId: duty?.tenantId };
  if (values.length === 1) {
    try {
      return JSON.stringify({ ...record, message: values[0] }, (_, value) =>
        (value instanceof Error ? { ...errorFields(value), ...value } : value));
    } catch {
      // What JSON does not have, such as a circle, the console can still show.
    }
  }
  const error = values.length > 1 && values.find((value) => value instanceof Error);
  return JSON.stringify({ ...record, message: util.format(...values),
    ...(error && errorFields(error)) });
}

function adjustConsole() {
  console.fatal = console.error;
  const lowest = LEVELS.indexOf(environment.AWS_LAMBDA_LOG_LEVEL?.toUpperCase());
  for (const method of METHODS) {
    const level = method === "log" ? "INFO" : method.toUpperCase();
    const rank = LEVELS.indexOf(level);
    const stream = rank < LEVELS.indexOf("WARN") ? process.stdout : process.stderr;
    if (rank < lowest) console[method] = () => {};
    else if (logsJson)
      console[method] = (...values) => stream.write(`${recordOf(level, values)}\n`);
  }
}

/** One record as JSON; else its stack, where an end is told last: the daemon quotes that line. */
function logError(thrown, end) {
  const { errorType, errorMessage, trace } = describe(thrown);
  if (logsJson) {
    console.error({ errorType, errorMessage, stackTrace: trace });
    return;
  }
  const what = `${errorType}: ${errorMessage}`;
  const stack = trace.join("\n");
  const told = stack && stack.includes(errorMessage) ? stack : `${what}\n${stack}`.trimEnd();
  console.error(end ? `${told}\n${end}: ${what.split("\n")[0]}` : told);
}

// ---- The Runtime API -----------------------------------------------------------------------

const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** One request; the answer, whatever it says. */
function exchange(method, what, headers, body) {
  return new Promise((resolve, reject) => {
    const url = new URL(`http://${api}/2018-06-01/runtime/${what}`);
    const asked = request(url, { method, agent, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => { text += part; }).on("error", reject)
        .on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on("error", (error) => reject(Object.assign(error, { stale: asked.reusedSocket })));
    asked.end(body);
  });
}

/** The same; but a connection that was closed while it lay idle shows that only in its next use. */
async function call(method, what, headers, body) {
  try {
    return await exchange(method, what, headers, body);
  } catch (error) {
    if (!error.stale) throw error;
    return exchange(method, what, headers, body);
  }
}

/** Waits for as long as there is nothing to do. */
async function next() {
  const { status, headers, text } = await call("GET", "invocation/next");
  if (status !== 200) throw new Error(`it answered ${status} where an invocation was asked for`);
  const id = headers["lambda-runtime-aws-request-id"];
  if (!id) throw new Error("an invocation came without its request id");
  return new Invocation(id, headers, text);
}

/** The status, if it is one of success or another that is expected. */
async function post(what, body, headers, expected) {
  const { status } = await call("POST", what, headers, body);
  if (status !== expected && (status < 200 || status > 299))
    throw new Error(`it answered ${status} to ${what}`);
  return status;
}

function postError(what, thrown) {
  const body = describe(thrown);
  return post(what, JSON.stringify(body), { "Content-Type": "application/json",
    "Lambda-Runtime-Function-Error-Type": headerOf(body.errorType) });
}

// ---- Finding the handler -------------------------------------------------------------------

/** "dir/file.export.nested" */
function parse(name) {
  const [, folder, file, property] = /^(.*\/)?([^./]*)\.([^/]*)$/s.exec(name ?? "") ?? [];
  if (file === undefined || name.includes(".."))
    throw new RuntimeError("MalformedHandlerName",
      `'${name ?? ""}' is no handler's name: folder/file.export is one, without '..'`);
  return { folder: folder ?? "", file, property };
}

/** node itself knows which .js files are modules: by the nearest package.json. */
async function loadModule({ folder, file }) {
  const place = path.resolve(root, folder, file);
  const require = createRequire(path.join(root, "package.json"));
  if (fs.existsSync(place)) return require(place);
  const ending = [".js", ".mjs", ".cjs"].find((each) => fs.existsSync(place + each));
  if (ending) return import(pathToFileURL(place + ending));
  return require(require.resolve(file, { paths: [root, path.resolve(root, folder)] }));
}

async function loadHandler(name) {
  const parts = parse(name);
  const module = await loadModule(parts).catch((error) => {
    if (error instanceof SyntaxError)
      throw new RuntimeError("UserCodeSyntaxError", String(error), error.stack);
    if (error?.code === "MODULE_NOT_FOUND")
      throw new RuntimeError("ImportModuleError", String(error));
    throw error;
  });
  const keys = parts.property.split(".");
  const inside = (object) => keys.reduce((nested, key) => nested?.[key], object);
  const handler = inside(module) ?? inside(module?.default);
  if (!handler) throw new RuntimeError("HandlerNotFound", `${name} is undefined or not exported`);
  if (typeof handler !== "function")
    throw new RuntimeError("HandlerNotFound", `${name} is not a function`);
  if (!hasCallbacks && handler.length >= 3 && !streams(handler))
    throw new RuntimeError("CallbackHandlerDeprecated",
      `${name} takes a callback, which AWS Lambda has not had since Node.js 24: let it be async`);
  return handler;
}

// ---- Handlers that stream ------------------------------------------------------------------

// Symbols of this name mark handlers for AWS's client, and libraries set them, too.
const STREAMING = Symbol.for("aws.lambda.runtime.handler.streaming");
const HIGH_WATER_MARK = Symbol.for("aws.lambda.runtime.handler.streaming.highWaterMark");

const streams = (handler) => handler[STREAMING] === "response";

/** Gathers what a handler streams: it is sent as a whole, once the handler is known to be done. */
class ResponseStream extends Writable {
  chunks = [];
  contentType = "application/octet-stream";

  setContentType(type) {
    if (this.chunks.length > 0)
      throw new RuntimeError("InvalidStreamingOperation", "Cannot set content-type, too late.");
    this.contentType = type;
  }

  write(chunk, ...others) {
    const isData = typeof chunk === "string" || chunk instanceof Uint8Array;
    return super.write(isData ? chunk : JSON.stringify(chunk), ...others);
  }

  _write(chunk, _encoding, done) {
    this.chunks.push(chunk);
    done();
  }
}

globalThis.awslambda = {
  streamifyResponse(handler, options) {
    handler[STREAMING] = "response";
    if (typeof options?.highWaterMark === "number")
      handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
    return handler;
  },

  HttpResponseStream: {
    /** Status and headers of an answer over HTTP go first, and eight zeros end them. */
    from(stream, prelude) {
      stream.setContentType("application/vnd.awslambda.http-integration-response");
      stream.write(JSON.stringify(prelude));
      stream.write(new Uint8Array(8));
      return stream;
    },
  },
};

async function callStreaming(handler, event, context) {
  const stream = new ResponseStream({ highWaterMark: handler[HIGH_WATER_MARK] });
  const ended = finished(stream);
  ended.catch(() => {}); // the handler may be the first to fail; then its error counts
  const returned = handler(event, stream, context);
  if (!isPromise(returned)) throw new Error("Streaming does not support non-async handlers.");
  await untilIdle(returned);
  await untilIdle(ended);
  return { type: stream.contentType, body: Buffer.concat(stream.chunks) };
}

// ---- One invocation ------------------------------------------------------------------------

const isNothing = (value) => value === undefined || value === null;
const isPromise = (value) => typeof value?.then === "function";

/** The handler's context object, as far as the invocation makes it. */
function contextOf(headers) {
  const json = (name) => headers[name] && JSON.parse(headers[name]);
  const deadline = Number(headers["lambda-runtime-deadline-ms"]);
  return {
    functionName: environment.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: environment.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: environment.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: environment.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: environment.AWS_LAMBDA_LOG_STREAM_NAME,
    clientContext: json("lambda-runtime-client-context"),
    identity: json("lambda-runtime-cognito-identity"),
    invokedFunctionArn: headers["lambda-runtime-invoked-function-arn"],
    awsRequestId: headers["lambda-runtime-aws-request-id"],
    tenantId: headers["lambda-runtime-aws-tenant-id"],
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
}

function setTrace(trace) {
  if (trace) process.env._X_AMZN_TRACE_ID = trace;
  else delete process.env._X_AMZN_TRACE_ID;
}

const neverSettled = () => new RuntimeError("NodeJsExit",
  "a promise is not settled, and nothing is left to wait for that could do so");

/** The promise's value, unless nothing is left that could settle it. */
function untilIdle(promise) {
  return new Promise((resolve, reject) => {
    whenIdle(() => reject(neverSettled()));
    promise.then(resolve, reject);
  });
}

/**
 * Up to Node.js 22 a handler may answer in three ways, of which the first counts: by its promise,
 * its callback, its context. Whatever else it returns is none. Without any, the answer is null.
 */
function callWithCallbacks(handler, event, context) {
  return new Promise((resolve, reject) => {
    let isOpen = true;
    const first = (give) => (...values) => {
      if (isOpen) give(...values);
      isOpen = false;
    };
    const succeed = first(resolve);
    const fail = first((error) => reject(error ?? "handled"));
    const answer = (error, result) => (isNothing(error) ? resolve(result) : reject(error));
    const done = first(answer);
    const callback = first((error, result) => {
      if (isNothing(error) && context.callbackWaitsForEmptyEventLoop)
        whenIdle(() => resolve(result));
      else answer(error, result);
    });
    Object.assign(context, { callbackWaitsForEmptyEventLoop: true, succeed, fail, done });
    whenIdle(() => succeed(null));
    try {
      const returned = handler(event, context, callback);
      if (!isPromise(returned)) return;
      returned.then(succeed, fail);
      // AWS's own takes this for success where the function is not declared async: a job lost.
      if (isOpen) whenIdle(() => fail(neverSettled()));
    } catch (error) {
      fail(error);
    }
  });
}

/** Since then there are promises and values. */
function callWithoutCallbacks(handler, event, context) {
  const returned = handler(event, context);
  return isPromise(returned) ? untilIdle(returned) : returned;
}

async function callBuffered(handler, event, context) {
  const call = hasCallbacks ? callWithCallbacks : callWithoutCallbacks;
  const result = await call(handler, event, context);
  try {
    return { type: "application/json", body: JSON.stringify(result) ?? "null" };
  } catch (error) {
    const [why] = describe(error).errorMessage.split("\n");
    throw new Error(`Unable to stringify response body: ${why}`);
  }
}

/** What has been asked for and is answered once, by whoever is first. */
class Invocation {
  #answered = null;

  constructor(id, headers, text) {
    this.id = id;
    this.tenantId = headers["lambda-runtime-aws-tenant-id"];
    this.headers = headers;
    this.text = text;
  }

  async perform(handler) {
    let answer;
    try {
      setTrace(this.headers["lambda-runtime-trace-id"]);
      answer = await (streams(handler) ? callStreaming : callBuffered)(
        handler, JSON.parse(this.text), contextOf(this.headers));
    } catch (error) {
      logError(error);
      return this.fail(error);
    }
    return this.#once(() => this.#succeed(answer));
  }

  fail(error) {
    return this.#once(() => postError(`${this.#path}/error`, error));
  }

  get #path() {
    return `invocation/${encodeURIComponent(this.id)}`;
  }

  #once(answer) {
    whenIdle(null);
    this.#answered ??= answer();
    return this.#answered;
  }

  /** One that is too large is the invocation's end all the same, and an error after it refused. */
  async #succeed({ type, body }) {
    const what = `${this.#path}/response`;
    if (await post(what, body, { "Content-Type": type }, 413) !== 413) return;
    const error = new Error(`the result of ${Buffer.byteLength(body)} bytes is too large`);
    error.name = "Function.ResponseSizeTooLarge";
    logError(error);
  }
}

// ---- From start to end ---------------------------------------------------------------------

/** What errors that nobody catches belong to; null while there is nothing to do. */
let duty = { fail: (error) => postError("init/error", error) };
let isDying = false;
let onIdle = null;

/** Has that done when nothing is left to wait for, instead of what was to be done before. */
function whenIdle(action) {
  onIdle = action;
}

/** Tells whom it concerns, and ends. */
async function die(what, error, status) {
  if (isDying) return;
  isDying = true;
  logError(error, what);
  try {
    await duty?.fail(error);
  } catch {
    // Nobody is there any more to be told.
  }
  process.exit(status);
}

function rejectionOf(reason) {
  const { errorType, errorMessage } = describe(reason);
  const message = isError(reason) ? `${errorType}: ${errorMessage}` : errorMessage;
  return new RuntimeError("UnhandledPromiseRejection", message, reason?.stack);
}

async function serve(handler) {
  while (!isDying) {
    whenIdle(null);
    duty = null;
    duty = await next();
    await duty.perform(handler);
  }
}

async function main() {
  if (!api) throw new Error("AWS_LAMBDA_RUNTIME_API does not say where it is");
  adjustConsole();
  process.on("uncaughtException", (error) => die("Uncaught Exception", error, 129));
  process.on("unhandledRejection", (reason) =>
    die("Unhandled Promise Rejection", rejectionOf(reason), 128));
  process.on("beforeExit", () => {
    if (onIdle) setImmediate(onIdle);
    onIdle = null;
  });

  whenIdle(() => die("Uncaught Exception", neverSettled(), 129)); // by the module's own await
  const handler = await loadHandler(environment._HANDLER).catch((error) =>
    die("Uncaught Exception", error, 129));
  await serve(handler);
}

main().catch((error) => {
  const why = error.message || error.code;
  console.error(`The Lambda Runtime API at '${api ?? ""}' cannot be used: ${why}`);
  process.exit(1);
});
