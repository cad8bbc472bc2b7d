// The bootstrap, which runs Lambda functions: what handlers may do, what they find, and what comes
// of what goes wrong.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import { about, prove, skip } from "./findings.mjs";
import { answers, doing, errorIn, esm, refused, running, says } from "./runtime.mjs";

const hasCallbacks = Number.parseInt(process.versions.node, 10) < 24;

about("AHandler");

await prove("gets the event and answers with its promise's value", async () => {
  const event = { Records: [{ body: "größe \u{1f600} \n\u0000" }], n: 1.5 };
  await answers(event, doing("return event;"), {}, event)();
  await answers(event, { "index.js": "exports.handler = (event) => Promise.resolve(event);" }, {},
    event)();
});

await prove("that returns nothing or a function answers with null", async () => {
  for (const body of ["", "return undefined;", "return () => 1;"])
    await answers(null, doing(body))();
});

await prove(`that is not async ${hasCallbacks ? "answers with null" : "answers with its value"}`,
  answers(hasCallbacks ? null : "value", { "index.js": 'exports.handler = () => "value";' }));

await prove("does one after the other over one connection", () =>
  running({ "index.js": "let n = 0; exports.handler = async () => ++n;" }, async (runtime) => {
    for (let n = 1; n <= 20; n++) assert.equal(await runtime.result(), n);
    assert.equal(runtime.api.connections, 1);
  }));

await prove("that throws fails with the name and the words and the place", () =>
  running(doing('throw new RangeError("too large: größe");'), async (runtime) => {
    const error = await runtime.error();
    assert.deepEqual([error.type, error.header, error.message],
      ["RangeError", "RangeError", "too large: größe"]);
    assert.equal(error.trace[0], "RangeError: too large: größe");
    assert.match(error.trace[1], /index\.mjs:1/);
    await runtime.says(/\n$/);
    assert.equal(runtime.stderr, `${error.trace.join("\n")}\n`);
  }));

await prove("may throw anything", () =>
  running({ "index.js": "exports.handler = async (event) => { throw eval(event.what); };" },
    async (runtime) => {
      for (const [what, type, message] of [
        ['"text"', "string", "text"], ["42", "number", "42"],
        ["Symbol('s')", "symbol", "Symbol(s)"],
        ["null", ...(hasCallbacks ? ["string", "handled"] : ["object", "null"])],
        ["undefined", ...(hasCallbacks ? ["string", "handled"] : ["undefined", "undefined"])],
        ["({ code: 1 })", "object", "[object Object]"],
        ["Object.create(null)", "handled", "an error that cannot be read"],
        ["({ get name() { throw 1; } })", "handled", "an error that cannot be read"],
        ['({ name: "Old", message: "style", stack: "Old: style" })', "Old", "style"],
        ['Object.assign(new Error("bare"), { stack: undefined })', "Error", "bare"],
        ['new AggregateError([new Error("v6"), new Error("v4")])', "AggregateError",
          "Error: v6; Error: v4"],
        ['Object.assign(new Error(), { name: "", errors: {} })', "Error", ""],
        ['require("vm").runInNewContext("new TypeError()")', "TypeError", ""],
      ]) {
        const error = await runtime.error({ what });
        assert.deepEqual([error.type, error.message, error.header], [type, message, type], what);
      }
    }));

await prove("that throws what has no stack, or not its words there, leaves its words", () =>
  running({ "index.js": "exports.handler = async (event) => { throw eval(event.what); };" },
    async (runtime) => {
      for (const what of ['"te%st"', 'Object.assign(new Error("bare"), { stack: undefined })',
        'new AggregateError([new Error("v6"), new Error("v4")])'])
        await runtime.error({ what });
      await runtime.says(/AggregateError\n {4}at /);
      assert.match(runtime.stderr, new RegExp("^string: te%st\nError: bare\n" +
        "AggregateError: Error: v6; Error: v4\nAggregateError\n    at "));
    }));

await prove("may throw what is huge or no text", () =>
  running(doing("throw eval(event.what);"), async (runtime) => {
    const huge = await runtime.error({ what: 'new Error("x".repeat(20_000_000))' });
    assert.ok(huge.message.length < 100_000 && huge.message.startsWith("xxx"));
    assert.ok(huge.trace.join().length < 100_000);
    const odd = await runtime.error(
      { what: 'Object.assign(new Error("\\ud83d?"), { name: "Grö\\r\\nße".repeat(100) })' });
    assert.equal(odd.message, "\ufffd?");
    assert.match(odd.header, /^(Gr\?\?\?\?e)+/);
    assert.ok(odd.header.length <= 200);
  }));

await prove("fails with a result that JSON does not have", () =>
  running(doing("return event.n ? 1n : (context.self = context);"), async (runtime) => {
    const message = /^Unable to stringify response body: .*(BigInt|circular)/;
    assert.match((await runtime.error({ n: 1 })).message, message);
    assert.match((await runtime.error({})).message, message);
  }));

await prove("fails where its event is no JSON, and goes on", () =>
  running(doing("return event;"), async (runtime) => {
    assert.equal((await runtime.error("{")).type, "SyntaxError");
    assert.equal(await runtime.result("1"), 1);
  }));

await prove("whose promise nothing can settle fails, and goes on", async () => {
  const never = "event.never ? new Promise(() => {}) : 1";
  for (const text of [`async (event) => await (${never})`,
    `(event) => Promise.resolve(${never})`])
    await running(esm(`export const handler = ${text};`), async (runtime) => {
      const error = await runtime.error({ never: true });
      assert.equal(error.type, "Runtime.NodeJsExit");
      assert.equal(await runtime.result({}), 1);
    });
});

about("ACallback");

const old = (body) => ({
  "index.js": `exports.handler = (event, context, callback) => { ${body} };` });

if (!hasCallbacks)
  await prove("is refused since there is none", () =>
    refused("Runtime.CallbackHandlerDeprecated", /Node.js 24/, old("callback(null, 1);")));

/** For what ended with Node.js 24. */
const proveOld = (what, check) =>
  (hasCallbacks ? prove(what, check) : skip(what, "Node.js has no callbacks since 24"));

await proveOld("answers once nothing is left to wait for", answers({ isLate: true }, old(
  `const result = { isLate: false }; setTimeout(() => { result.isLate = true; }, 10);
   callback(null, result);`)));

await proveOld("answers at once where that was asked for", answers({ isLate: false }, old(
  `const result = { isLate: false }; setTimeout(() => { result.isLate = true; }, 10);
   context.callbackWaitsForEmptyEventLoop = false; callback(null, result);`)));

await proveOld("may be called later, and after another invocation",
  () => running(old("setTimeout(callback, 5, null, event.n);"), async (runtime) => {
    for (const n of [1, 2, 3]) assert.equal(await runtime.result({ n }), n);
  }));

await proveOld("fails with what it is given at once", () =>
  running(old('setTimeout(() => {}, 60_000); callback(event.text ?? new TypeError("bad"));'),
    async (runtime) => {
      assert.equal((await runtime.error({ text: "words" })).message, "words");
      assert.equal((await runtime.error({})).type, "TypeError");
    }));

await proveOld("that is never called answers with null", answers(null, old("")));

await proveOld("counts once, and so do promises and the context", async () => {
  for (const body of ["callback(null, 1); callback(null, 2); context.fail(3);",
    "context.succeed(1); callback(4);", "context.done(null, 1); throw new Error('late');",
    "callback(null, 1); return Promise.resolve(2);", "callback(null, 1); throw new Error('late');",
    "callback(null, 1); return Promise.reject(2);",
    "context.succeed(1); return new Promise(() => {});"])
    await answers(1, old(body))();
});

await proveOld("of an async handler counts, too", answers(1,
  { "index.js": `exports.handler = async (event, context, callback) => {
      callback(null, 1); await new Promise(() => {}); };` }));

await proveOld("of the context answers at once", () =>
  running(old("setTimeout(() => {}, 60_000); context[event.how](...event.what);"),
    async (runtime) => {
      assert.equal(await runtime.result({ how: "succeed", what: [1] }), 1);
      assert.equal(await runtime.result({ how: "done", what: [null, 2] }), 2);
      for (const [how, what, message] of [["fail", ["no"], "no"], ["fail", [], "handled"],
        ["done", ["no"], "no"]])
        assert.equal((await runtime.error({ how, what })).message, message);
    }));

about("TheContext");

await prove("says what is invoked and for how long", () =>
  running(doing("return { ...context, left: context.getRemainingTimeInMillis() };"),
    async (runtime) => {
      const { left, ...context } = await runtime.result({}, {
        "Lambda-Runtime-Client-Context": '{"client":{"a":1}}',
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"i"}',
        "Lambda-Runtime-Aws-Tenant-Id": "tenant", "Lambda-Runtime-Aws-Request-Id": "request-1" });
      delete context.callbackWaitsForEmptyEventLoop;
      assert.deepEqual(context, {
        functionName: "thumbnails", functionVersion: "$LATEST", memoryLimitInMB: "256",
        logGroupName: "/aws/lambda/thumbnails", logStreamName: "2026/01/02/[$LATEST]0123",
        clientContext: { client: { a: 1 } }, identity: { cognitoIdentityId: "i" },
        invokedFunctionArn: "arn:aws:lambda:us-east-1:123456789012:function:thumbnails",
        awsRequestId: "request-1", tenantId: "tenant" });
      assert.ok(left > 20_000 && left <= 60_000, `${left} ms`);
    }));

await prove("leaves out what the invocation does not have", () =>
  running(doing("return context;"), async (runtime) => {
    const context = await runtime.result();
    for (const name of ["clientContext", "identity", "tenantId"])
      assert.ok(!(name in context), name);
  }));

await prove("that cannot be read fails the invocation only", () =>
  running(doing("return 1;"), async (runtime) => {
    assert.equal((await runtime.error({}, { "Lambda-Runtime-Client-Context": "{" })).type,
      "SyntaxError");
    assert.equal(await runtime.result(), 1);
  }));

await prove("is what the environment said at the start", () =>
  running(doing(`const name = context.functionName;
    process.env.AWS_LAMBDA_FUNCTION_NAME = "x"; return name;`), async (runtime) => {
    for (let i = 0; i < 2; i++) assert.equal(await runtime.result(), "thumbnails");
  }));

await prove("says which node it is, unless the environment does", async () => {
  const say = esm(`const atStart = process.env.AWS_EXECUTION_ENV;
    export const handler = async () => atStart;`);
  const [major] = process.versions.node.split(".");
  await answers(`AWS_Lambda_nodejs${major}.x`, say)();
  await answers("mine", say, { environment: () => ({ AWS_EXECUTION_ENV: "mine" }) })();
});

await prove("has its trace in the environment and no other's", () =>
  running(doing("return process.env._X_AMZN_TRACE_ID ?? null;"), async (runtime) => {
    assert.equal(await runtime.result({}, { "Lambda-Runtime-Trace-Id": "Root=1" }), "Root=1");
    assert.equal(await runtime.result({}, { "Lambda-Runtime-Trace-Id": "Root=2" }), "Root=2");
    assert.equal(await runtime.result(), null);
  }));

about("AStream");

const streaming = (body) => esm(`export const handler = awslambda.streamifyResponse(
  async (event, stream, context) => { ${body} });`);

await prove("is the answer as it was written", () =>
  running(streaming(`stream.setContentType("text/plain");
    stream.write("grö"); stream.end("ße");`),
    async (runtime) => {
      const post = await runtime.raw();
      assert.equal(post.what, "invocation/response");
      assert.equal(post.body, "größe");
      assert.equal(post.headers["content-type"], "text/plain");
      assert.equal((await runtime.raw()).body, "größe");
    }));

await prove("may have objects and bytes and be written by others", () =>
  running(esm(`import { pipeline } from "node:stream/promises";
    import { Readable } from "node:stream";
    export const handler = awslambda.streamifyResponse(async (event, stream, context) => {
      stream.write({ name: context.functionName }); stream.write(new Uint8Array([10]));
      await pipeline(Readable.from(["a", "b"]), stream);
    }, { highWaterMark: 1 });`), async (runtime) =>
    assert.equal((await runtime.raw()).body, '{"name":"thumbnails"}\nab')));

await prove("may have what an answer over HTTP begins with", () =>
  running(streaming(`stream = awslambda.HttpResponseStream.from(stream, { statusCode: 201 });
    stream.end("body");`), async (runtime) => {
    const post = await runtime.raw();
    assert.equal(post.body, `{"statusCode":201}${"\0".repeat(8)}body`);
    assert.match(post.headers["content-type"], /vnd\.awslambda\.http-integration-response/);
  }));

await prove("that goes wrong fails the invocation", () =>
  running(streaming(`if (event.how === "throw") { stream.write("half"); throw new Error("thrown"); }
    if (event.how === "destroy") stream.destroy(new Error("destroyed"));
    if (event.how === "late") { stream.write("x"); stream.setContentType("text/plain"); }
    if (event.how === "open") stream.write("half");`), async (runtime) => {
    for (const [how, words] of [["throw", /^thrown/], ["destroy", /^destroyed/],
      ["late", /too late/], ["open", /not settled/]])
      assert.match((await runtime.error({ how })).message, words);
  }));

await prove("is for async handlers only", () =>
  running(esm("export const handler = awslambda.streamifyResponse(() => 1);"),
    async (runtime) => assert.match((await runtime.error()).message, /non-async/)));

about("TheConsole");

const talk = `console.log("to %s", "out"); console.info("two\\nlines"); console.debug({ a: 1 });
  console.warn("to err"); console.error("to err, too"); console.fatal("last");`;

await prove("stays as it is", () => running(doing(talk), async (runtime) => {
  await runtime.result();
  await runtime.asks();
  await runtime.says(/last\n/);
  assert.equal(runtime.stdout, "to out\ntwo\nlines\n{ a: 1 }\n");
  assert.equal(runtime.stderr, "to err\nto err, too\nlast\n");
}));

/** The records that the handler leaves, without their time. */
async function records(body, environment) {
  let all;
  await running(doing(body), async (runtime) => {
    await runtime.result({}, { "Lambda-Runtime-Aws-Tenant-Id": "tenant" });
    runtime.child.kill("SIGTERM");
    await runtime.ended;
    all = [runtime.stdout, runtime.stderr].map((text) => text.trim().split("\n").filter(Boolean)
      .map(JSON.parse).map(({ timestamp, requestId, tenantId, ...record }) => {
        assert.match(timestamp, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
        assert.deepEqual([requestId, tenantId], ["request-1", "tenant"]);
        return record;
      }));
  }, { environment: () => ({ AWS_LAMBDA_LOG_FORMAT: "JSON", ...environment }) });
  return all;
}

await prove("is JSON where that is asked for", async () => {
  const [out, err] = await records(talk);
  assert.deepEqual(out, [{ level: "INFO", message: "to out" },
    { level: "INFO", message: "two\nlines" }, { level: "DEBUG", message: { a: 1 } }]);
  assert.deepEqual(err, [{ level: "WARN", message: "to err" },
    { level: "ERROR", message: "to err, too" }, { level: "FATAL", message: "last" }]);
});

await prove("has errors and circles as JSON", async () => {
  const [out] = await records(`const circle = {}; circle.circle = circle; console.log(circle);
    console.log(new TypeError("alone")); console.log("with", new RangeError("words"));
    console.log();`);
  assert.match(out[0].message, /Circular/);
  assert.deepEqual([out[1].message.errorType, out[1].message.errorMessage], ["TypeError", "alone"]);
  assert.ok(out[1].message.stackTrace.length > 1);
  assert.deepEqual([out[2].errorType, out[2].errorMessage], ["RangeError", "words"]);
  assert.match(out[2].message, /^with RangeError: words/);
  assert.equal(out[3].message, "");
});

await prove("has what the handler throws as JSON, in one line", async () => {
  await running(doing('throw new TypeError("thrown\\nin two lines");'), async (runtime) => {
    const { trace } = await runtime.error();
    await runtime.says(/\n$/);
    const [line, ...others] = runtime.stderr.split("\n");
    assert.deepEqual(others, [""]);
    const { level, requestId, message } = JSON.parse(line);
    assert.deepEqual([level, requestId, message], ["ERROR", "request-1",
      { errorType: "TypeError", errorMessage: "thrown\nin two lines", stackTrace: trace }]);
  }, { environment: () => ({ AWS_LAMBDA_LOG_FORMAT: "JSON" }) });
});

await prove("leaves out what is below the level", async () => {
  const [out, err] = await records(talk, { AWS_LAMBDA_LOG_LEVEL: "error" });
  assert.deepEqual(out, []);
  assert.deepEqual(err.map(({ level }) => level), ["ERROR", "FATAL"]);
});

about("AnEnd");

await prove("by an exception that nobody caught fails the invocation", () =>
  running(doing(`setTimeout(() => { throw new TypeError("loose\\nend"); });
    await new Promise(() => {});`),
    async (runtime) => {
      const { type, message } = await runtime.error();
      assert.deepEqual([type, message], ["TypeError", "loose\nend"]);
      assert.equal(await runtime.status(), 129);
      assert.match(runtime.stderr,
        /^TypeError: loose\nend\n( {4}at .*\n)+Uncaught Exception: TypeError: loose\n$/);
    }));

await prove("by a rejected promise that nobody caught fails the invocation", () =>
  running(doing(`Promise.reject(new TypeError("loose"));
    await new Promise(() => {});`),
    async (runtime) => {
      const { type, message, trace } = await runtime.error();
      assert.deepEqual([type, message], ["Runtime.UnhandledPromiseRejection", "TypeError: loose"]);
      assert.match(trace[1], /index\.mjs/);
      assert.equal(await runtime.status(), 128);
    }));

const thrower = `process.on("SIGUSR2", () => { throw new Error("from outside"); });`;

await prove("while there is nothing to do is told to nobody", () =>
  running(esm(`${thrower} export const handler = async () => 1;`), async (runtime) => {
    await runtime.asks();
    await runtime.result();
    await runtime.asks();
    runtime.child.kill("SIGUSR2");
    assert.equal(await runtime.status(), 129);
    assert.match(runtime.stderr, /\nUncaught Exception: Error: from outside\n$/);
  }));

await prove("waits for the answer that is on its way", () =>
  running(esm(`${thrower} export const handler = async () => 1;`), async (runtime) => {
    const release = runtime.api.hold();
    assert.equal(await runtime.result(), 1);
    runtime.child.kill("SIGUSR2");
    await runtime.says(/from outside/);
    assert.equal(runtime.child.exitCode, null);
    release();
    assert.equal(await runtime.status(), 129);
  }));

await prove("is the handler's to make", () =>
  running(doing("process.exit(3);"), async (runtime) => {
    runtime.api.give();
    assert.equal(await runtime.status(), 3);
    assert.equal(runtime.stderr, "");
  }));

about("TheRuntimeApi");

/** The bootstrap must end with status 1 and one line like that. */
async function givesUp(words, options, event) {
  await running({ "index.js": says("x") }, async (runtime) => {
    if (event) runtime.api.give(...event);
    const status = await runtime.end();
    assert.match(runtime.stderr, words);
    assert.equal(runtime.stderr.split("\n").length, 2, runtime.stderr);
    assert.equal(status, 1);
  }, options);
}

const givenUp = (why) => new RegExp(`^The Lambda Runtime API at '.*' cannot be used: ${why}.*\n$`);

await prove("that is not there is given up", async () => {
  for (const [api, why] of [["127.0.0.1:1", "connect ECONNREFUSED"],
    [null, "AWS_LAMBDA_RUNTIME_API does not say"]])
    await givesUp(givenUp(why), { environment: () => ({ AWS_LAMBDA_RUNTIME_API: api }) });
});

await prove("that breaks its rules is given up", async () => {
  await givesUp(givenUp("it answered 500 where"), { api: { status: { next: 500 } } });
  await givesUp(givenUp("an invocation came without"), {},
    [{}, { "Lambda-Runtime-Aws-Request-Id": null }]);
  await givesUp(givenUp("it answered 403 to .*response"),
    { api: { status: { next: 200, response: 403 } } }, [{}]);
});

await prove("that hangs up is given up", () =>
  running({ "index.js": says("x") }, async (runtime) => {
    await runtime.asks();
    runtime.api.close();
    assert.equal(await runtime.status(), 1);
    assert.match(runtime.stderr, givenUp("(socket hang up|read ECONNRESET|connect)"));
  }));

await prove("that takes no result of that size has heard enough, and the log says why", () =>
  running(doing("return event.text;"), async (runtime) => {
    runtime.api.status.response = 413;
    assert.equal((await runtime.raw({ text: "large" })).what, "invocation/response");
    await runtime.says(/Function.ResponseSizeTooLarge: the result of 7 bytes is too large/);
    runtime.api.status.response = 202;
    assert.equal(await runtime.result({ text: "small" }), "small");
  }));

await prove("may have closed the connection while it lay idle", () =>
  running(esm(`import fs from "node:fs";
    export const handler = async (event) => {
      while (!fs.existsSync("closed")); // so that node sees nothing of it
      return 1;
    };`), async (runtime, folder) => {
    const closed = new Promise((resolve) => {
      runtime.api.afterNext = (socket) => socket.destroy().once("close", resolve);
    });
    runtime.api.give();
    await closed;
    fs.writeFileSync(path.join(folder, "closed"), "");
    assert.equal((await runtime.post()).body, "1");
    assert.equal(runtime.api.connections, 2);
  }));

await prove("is out of reach for what the function does to node's own module", () =>
  running(esm(`import http from "node:http"; import { syncBuiltinESMExports } from "node:module";
    http.request = http.Agent = () => { throw new Error("watched"); }; syncBuiltinESMExports();
    export const handler = async () => 1;`), async (runtime) =>
    assert.equal(await runtime.result(), 1)));
