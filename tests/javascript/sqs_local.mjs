// The local SQS as these scripts see it: clients of the SDK, and the side for tests.

import assert from "node:assert/strict";

import * as findings from "./findings.mjs";
import { sdk } from "./sdk.mjs";

export const sqs = sdk("@aws-sdk/client-sqs");
export const endpoint = process.argv[2];
export const account = "123456789012";
export const region = "us-east-1";

export const key = {
  accessKeyId: "AKIALAB0000000000000", secretAccessKey: "lab/secret+of/the+publisher",
};

/** A client with the key that may do everything, unless the options say otherwise. */
export function connect(options = {}) {
  return new sqs.SQSClient({ endpoint, region, credentials: key, ...options });
}

export const client = connect();

/** Has a client do an action: send("SendMessage", {...}). */
export function send(action, input = {}, from = client) {
  return from.send(new sqs[`${action}Command`](input));
}

/** A request to the side for tests; what it answers. */
export async function control(method, what, body) {
  const answer = await fetch(`${endpoint}/_control/${what}`,
    { method, body: JSON.stringify(body) });
  const content = await answer.json();
  if (!answer.ok) throw new Error(content.error);
  return content;
}

/** Has a client change each request at that step of the SDK; the client. */
export function changing(step, change, from = connect({ maxAttempts: 1 })) {
  from.middlewareStack.add((next) => (given) => {
    change(given.request.headers, given.request);
    return next(given);
  }, { step, priority: step === "build" ? "low" : undefined });
  return from;
}

export const fault = (terms) => control("POST", "faults", terms);
export const clock = (terms) => control("POST", "clock", terms);

/** Runs the check, and leaves no fault, no wrong clock and nothing that gives keys behind. */
export function prove(what, check) {
  return findings.prove(what, async () => {
    try {
      await check();
    } finally {
      for (const what of ["faults", "roles", "metadata", "container"])
        await control("DELETE", what);
      await clock({ skew: 0, stopped: false });
    }
  });
}

let number = 0;

/** The URL of a new queue. */
export async function queue(Attributes = {}, name = `queue-${++number}`) {
  return (await send("CreateQueue", { QueueName: name, Attributes })).QueueUrl;
}

export const nameOf = (url) => url.split("/").pop();
export const arnOf = (url) => `arn:aws:sqs:${region}:${account}:${nameOf(url)}`;

/** Up to ten messages. */
export async function receive(QueueUrl, input = {}, from = client) {
  const answer = await send("ReceiveMessage",
    { QueueUrl, MaxNumberOfMessages: 10, ...input }, from);
  return answer.Messages ?? [];
}

/** The names of the errors that calls were refused with. */
export const refusals = new Set();

/** The call must be refused with that error and status; the error. Kind: its class. */
export async function refused(name, status, call, Kind = sqs[name] ?? sqs.SQSServiceException) {
  const error = await call.then(() => null, (e) => e);
  assert.ok(error, `${name} was expected, and it was not refused`);
  assert.equal(error.name, name, error.stack);
  assert.equal(error.$metadata.httpStatusCode, status);
  assert.ok(error instanceof Kind);
  refusals.add(name);
  return error;
}

/** The call must fail without an answer of the service's; the error. */
export async function broken(call) {
  const error = await call.then(() => null, (e) => e);
  assert.ok(error, "it did not fail");
  assert.ok(!(error instanceof sqs.SQSServiceException), error.stack);
  return error;
}
