// The local SQS, driven by the AWS SDK. Errors are told by the SDK's own names and classes: those
// of SQS's model have a class each, the others the code of the old protocol as their name.

import assert from "node:assert/strict";

import { about } from "./findings.mjs";
import {
  account, arnOf, broken, changing, client, clock, connect, control, endpoint, fault, key, nameOf,
  prove, queue, receive, refusals, refused, send, sqs,
} from "./sqs_local.mjs";

const once = connect({ maxAttempts: 1 });
const attempts = (answer) => answer.$metadata.attempts;
const bodies = (messages) => messages.map((m) => m.Body).sort();

async function visible(url) {
  const { Attributes } = await send("GetQueueAttributes",
    { QueueUrl: url, AttributeNames: ["All"] });
  return Number(Attributes.ApproximateNumberOfMessages);
}

async function deadLetterPair() {
  const dead = await queue();
  const source = await queue({
    RedrivePolicy: JSON.stringify({ deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 }),
  });
  return { dead, source };
}

/** Sends so many messages and has them received once too often. */
async function bury(source, n) {
  for (let i = 0; i < n; i++)
    await send("SendMessage", { QueueUrl: source, MessageBody: `dead ${i}` });
  for (let i = 0; i < 2; i++) await receive(source, { VisibilityTimeout: 0 });
}

about("AQueue");

await prove("is made, found and listed in pages", async () => {
  const urls = [];
  for (const i of [1, 2, 3]) urls.push(await queue({}, `listed-${i}`));
  assert.equal(urls[0], `${endpoint}/${account}/listed-1`);
  assert.equal((await send("GetQueueUrl", { QueueName: "listed-1" })).QueueUrl, urls[0]);
  const pages = [];
  for await (const page of sqs.paginateListQueues({ client, pageSize: 2 },
    { QueueNamePrefix: "listed" })) pages.push(page.QueueUrls);
  assert.deepEqual(pages, [urls.slice(0, 2), urls.slice(2)]);
});

await prove("has attributes that can be set", async () => {
  const url = await queue({ VisibilityTimeout: "7" });
  await send("SetQueueAttributes", { QueueUrl: url, Attributes: { DelaySeconds: "3" } });
  const { Attributes } = await send("GetQueueAttributes",
    { QueueUrl: url, AttributeNames: ["VisibilityTimeout", "DelaySeconds"] });
  assert.deepEqual(Attributes, { VisibilityTimeout: "7", DelaySeconds: "3" });
});

await prove("is purged once a minute", async () => {
  const url = await queue();
  await send("SendMessage", { QueueUrl: url, MessageBody: "m" });
  await send("PurgeQueue", { QueueUrl: url });
  assert.equal(await visible(url), 0);
  await refused("PurgeQueueInProgress", 403, send("PurgeQueue", { QueueUrl: url }));
});

await prove("is deleted and its name free after a minute", async () => {
  const url = await queue({}, "deleted");
  await send("DeleteQueue", { QueueUrl: url });
  await refused("QueueDoesNotExist", 400, send("ReceiveMessage", { QueueUrl: url }));
  await refused("QueueDeletedRecently", 400, queue({}, "deleted"));
  await clock({ advance: 60 });
  assert.equal(await queue({}, "deleted"), url);
});

await prove("is refused if it cannot be", async () => {
  await queue({ DelaySeconds: "1" }, "twice");
  await refused("QueueNameExists", 400, queue({ DelaySeconds: "2" }, "twice"));
  await refused("InvalidParameterValue", 400, queue({}, "a b"));
  await refused("UnsupportedOperation", 400, queue({ FifoQueue: "true" }, "jobs.fifo"));
  await refused("InvalidAttributeName", 400, queue({ Nope: "1" }));
  await refused("InvalidAttributeValue", 400, queue({ DelaySeconds: "901" }));
  await refused("InvalidAddress", 404, send("DeleteQueue", { QueueUrl: "nowhere" }));
});

await prove("names the sources of its dead letters in pages", async () => {
  const { dead, source } = await deadLetterPair();
  const policy = { deadLetterTargetArn: arnOf(dead), maxReceiveCount: 1 };
  const other = await queue({ RedrivePolicy: JSON.stringify(policy) });
  const pages = [];
  for await (const page of sqs.paginateListDeadLetterSourceQueues({ client, pageSize: 1 },
    { QueueUrl: dead })) pages.push(page.queueUrls);
  assert.deepEqual(pages, [[source], [other]]);
});

await prove("is tagged", async () => {
  const answer = await send("CreateQueue", { QueueName: "tagged", tags: { team: "jobs" } });
  const url = { QueueUrl: answer.QueueUrl };
  await send("TagQueue", { ...url, Tags: { stage: "test", "größe": "" } });
  await send("UntagQueue", { ...url, TagKeys: ["team"] });
  assert.deepEqual((await send("ListQueueTags", url)).Tags, { stage: "test", "größe": "" });
  await refused("MissingParameter", 400, send("TagQueue", { ...url, Tags: {} }));
});

await prove("lets another account in by its policy", async () => {
  const url = { QueueUrl: await queue() };
  const grant = { ...url, Label: "partner", AWSAccountIds: ["111122223333"] };
  await send("AddPermission", { ...grant, Actions: ["SendMessage"] });
  const { Attributes } = await send("GetQueueAttributes", { ...url, AttributeNames: ["Policy"] });
  assert.equal(JSON.parse(Attributes.Policy).Statement[0].Sid, "partner");
  await refused("OverLimit", 403, send("AddPermission",
    { ...grant, Label: "other", Actions: Array(8).fill("SendMessage") }));
  await send("RemovePermission", { ...url, Label: "partner" });
  await refused("InvalidParameterValue", 400,
    send("RemovePermission", { ...url, Label: "partner" }));
});

about("AMessage");

await prove("passes with attributes of every kind and digests that the SDK checks", async () => {
  const url = await queue();
  const given = {
    color: { DataType: "String", StringValue: "blue" },
    count: { DataType: "Number.int", StringValue: "3" },
    blob: { DataType: "Binary", BinaryValue: new Uint8Array([1, 2, 255]) },
  };
  const body = "größe \u{1F600} \"\\\t\r\n";
  const sent = await send("SendMessage", { QueueUrl: url, MessageBody: body,
    MessageAttributes: given, MessageSystemAttributes: {
      AWSTraceHeader: { DataType: "String", StringValue: "Root=1-2-3" } } });
  const [message] = await receive(url, { MessageAttributeNames: ["All"],
    MessageSystemAttributeNames: ["All"] });
  assert.equal(message.Body, body);
  assert.equal(message.MessageId, sent.MessageId);
  assert.deepEqual(message.MessageAttributes, given);
  assert.equal(message.MD5OfMessageAttributes, sent.MD5OfMessageAttributes);
  assert.equal(message.Attributes.AWSTraceHeader, "Root=1-2-3");
  assert.equal(message.Attributes.ApproximateReceiveCount, "1");
});

await prove("with a digest that is not its own is noticed by the SDK", async () => {
  const url = await queue();
  await fault({ action: "ReceiveMessage", kind: "raw", content_type: "application/x-amz-json-1.0",
    body: JSON.stringify({ Messages: [{ MessageId: "1", ReceiptHandle: "r", Body: "m",
      MD5OfBody: "0".repeat(32) }] }) });
  assert.match((await broken(receive(url, {}, once))).message, /MD5/);
});

await prove("is hidden, extended, given back and deleted", async () => {
  const url = await queue();
  await send("SendMessage", { QueueUrl: url, MessageBody: "m" });
  const [{ ReceiptHandle }] = await receive(url, { VisibilityTimeout: 5 });
  const change = (VisibilityTimeout) =>
    send("ChangeMessageVisibility", { QueueUrl: url, ReceiptHandle, VisibilityTimeout });
  await change(100);
  await clock({ advance: 50 });
  assert.deepEqual(await receive(url), []);
  await change(0);
  const [again] = await receive(url);
  await send("DeleteMessage", { QueueUrl: url, ReceiptHandle: again.ReceiptHandle });
  assert.deepEqual((await control("GET", `queue?name=${nameOf(url)}`)).messages, []);
});

await prove("ends a long poll", async () => {
  const url = await queue();
  const poll = receive(url, { WaitTimeSeconds: 20 });
  while (!(await control("GET", `queue?name=${nameOf(url)}`)).waiting);
  await send("SendMessage", { QueueUrl: url, MessageBody: "at last" });
  assert.deepEqual(bodies(await poll), ["at last"]);
});

await prove("is refused if it cannot be", async () => {
  const url = { QueueUrl: await queue() };
  await refused("MissingParameter", 400, send("SendMessage", url));
  await refused("InvalidMessageContents", 400,
    send("SendMessage", { ...url, MessageBody: "\x01" }));
  await refused("InvalidParameterValue", 400,
    send("SendMessage", { ...url, MessageBody: "m", DelaySeconds: 901 }));
  await refused("ReceiptHandleIsInvalid", 404,
    send("DeleteMessage", { ...url, ReceiptHandle: "garbage" }));
  await refused("InvalidAttributeName", 400,
    send("ReceiveMessage", { ...url, AttributeNames: ["Nope"] }));
});

await prove("is not received beyond the limit in flight", async () => {
  const url = await queue();
  for (const first of [0, 10])
    await send("SendMessageBatch", { QueueUrl: url, Entries: Array.from({ length: 10 },
      (_, i) => ({ Id: `${i}`, MessageBody: `${first + i}` })) });
  assert.equal((await receive(url)).length + (await receive(url)).length, 15);
  await refused("OverLimit", 403, receive(url));
});

about("ABatch");

await prove("says of each entry what became of it", async () => {
  const url = { QueueUrl: await queue() };
  const sent = await send("SendMessageBatch", { ...url, Entries: [
    { Id: "good", MessageBody: "fine" }, { Id: "bad", MessageBody: "\x01" }] });
  assert.deepEqual(sent.Successful.map((one) => one.Id), ["good"]);
  assert.deepEqual(sent.Failed.map((one) => [one.Id, one.Code, one.SenderFault]),
    [["bad", "InvalidMessageContents", true]]);
  const [{ ReceiptHandle }] = await receive(url.QueueUrl);
  const Entries = [{ Id: "a", ReceiptHandle, VisibilityTimeout: 9 },
    { Id: "b", ReceiptHandle: "garbage", VisibilityTimeout: 9 }];
  for (const action of ["ChangeMessageVisibilityBatch", "DeleteMessageBatch"]) {
    const { Successful, Failed } = await send(action, { ...url, Entries });
    assert.deepEqual(Successful, [{ Id: "a" }]);
    assert.deepEqual(Failed.map((one) => [one.Id, one.Code]), [["b", "ReceiptHandleIsInvalid"]]);
  }
});

await prove("has entries that fail alone when a test orders it", async () => {
  const url = { QueueUrl: await queue() };
  await fault({ action: "SendMessageBatch", kind: "fail-entries", entries: 1,
    code: "InternalError", message: "try again" });
  const Entries = ["a", "b"].map((Id) => ({ Id, MessageBody: Id }));
  const { Successful, Failed } = await send("SendMessageBatch", { ...url, Entries });
  assert.deepEqual(Successful.map((one) => one.Id), ["b"]);
  assert.deepEqual(Failed,
    [{ Id: "a", Code: "InternalError", Message: "try again", SenderFault: false }]);
  assert.deepEqual(bodies(await receive(url.QueueUrl)), ["b"]);
});

await prove("is refused as a whole if it cannot be", async () => {
  const QueueUrl = await queue();
  const batch = (...Entries) => send("SendMessageBatch", { QueueUrl, Entries });
  const entry = (Id, MessageBody = "m") => ({ Id, MessageBody });
  await refused("EmptyBatchRequest", 400, batch());
  await refused("BatchEntryIdsNotDistinct", 400, batch(entry("a"), entry("a")));
  await refused("InvalidBatchEntryId", 400, batch(entry("a b")));
  await refused("TooManyEntriesInBatchRequest", 400,
    batch(...Array.from({ length: 11 }, (_, i) => entry(`${i}`))));
  await refused("BatchRequestTooLong", 400,
    batch(entry("a", "x".repeat(1 << 20)), entry("b")));
});

about("AMoveTask");

await prove("brings dead letters back and is listed", async () => {
  const { dead, source } = await deadLetterPair();
  await bury(source, 3);
  assert.equal(await visible(dead), 3);
  await send("StartMessageMoveTask", { SourceArn: arnOf(dead) });
  const { Results } = await send("ListMessageMoveTasks",
    { SourceArn: arnOf(dead), MaxResults: 10 });
  assert.equal(Results.length, 1);
  assert.equal(Results[0].Status, "COMPLETED");
  assert.equal(Results[0].ApproximateNumberOfMessagesMoved, 3);
  assert.deepEqual(bodies(await receive(source)), ["dead 0", "dead 1", "dead 2"]);
});

await prove("keeps its pace until it is cancelled", async () => {
  const { dead, source } = await deadLetterPair();
  const SourceArn = arnOf(dead);
  const listed = async () => (await send("ListMessageMoveTasks", { SourceArn })).Results[0];
  await bury(source, 3);
  await clock({ stopped: true });
  const { TaskHandle } = await send("StartMessageMoveTask",
    { SourceArn, DestinationArn: arnOf(await queue()), MaxNumberOfMessagesPerSecond: 1 });
  assert.equal((await listed()).TaskHandle, TaskHandle);
  await refused("InvalidParameterValue", 400, send("StartMessageMoveTask", { SourceArn }));
  await clock({ advance: 1 });
  const cancelled = await send("CancelMessageMoveTask", { TaskHandle });
  assert.equal(cancelled.ApproximateNumberOfMessagesMoved, 1);
  await clock({ advance: 1 });
  assert.equal((await listed()).Status, "CANCELLED");
  await refused("ResourceNotFoundException", 404, send("CancelMessageMoveTask", { TaskHandle }));
});

await prove("says why it failed", async () => {
  const { dead } = await deadLetterPair();
  await send("SendMessage", { QueueUrl: dead, MessageBody: "from nowhere" });
  await send("StartMessageMoveTask", { SourceArn: arnOf(dead) });
  const [task] = (await send("ListMessageMoveTasks", { SourceArn: arnOf(dead) })).Results;
  assert.deepEqual([task.Status, task.FailureReason], ["FAILED", "CouldNotDetermineMessageSource"]);
});

await prove("is refused if it cannot be", async () => {
  const url = await queue();
  await refused("InvalidParameterValue", 400,
    send("StartMessageMoveTask", { SourceArn: arnOf(url) }));
  await refused("ResourceNotFoundException", 404,
    send("ListMessageMoveTasks", { SourceArn: `${arnOf(url)}x` }));
  await refused("InvalidParameterValue", 400,
    send("CancelMessageMoveTask", { TaskHandle: "garbage" }));
});

about("ARequest");

await prove("is refused without a signature or with half of one", async () => {
  const unsigned = changing("deserialize", (headers) => { delete headers.authorization; });
  await refused("AccessDenied", 403, send("ListQueues", {}, unsigned));
  const half = changing("deserialize", (headers) => {
    headers.authorization = headers.authorization.replace(/, Signature=.*/, "");
  });
  await refused("IncompleteSignature", 400, send("ListQueues", {}, half));
});

await prove("is refused if it was changed after it was signed", async () => {
  const changed = changing("deserialize", (headers) => {
    headers["x-amz-target"] = "AmazonSQS.DeleteQueue";
  });
  await refused("SignatureDoesNotMatch", 403, send("ListQueues", {}, changed));
});

await prove("is refused for an unknown key and a wrong secret and region", async () => {
  const as = (accessKeyId, secretAccessKey, options = {}) =>
    send("ListQueues", {}, connect({ credentials: { accessKeyId, secretAccessKey }, ...options }));
  await refused("InvalidClientTokenId", 403, as("AKIDNOBODY", "s"));
  await refused("SignatureDoesNotMatch", 403, as(key.accessKeyId, "wrong"));
  await refused("SignatureDoesNotMatch", 403,
    as(key.accessKeyId, key.secretAccessKey, { region: "eu-west-1" }));
});

await prove("is refused for an action that there is not and a body that is not JSON", async () => {
  const unknown = changing("build", (headers) => { headers["x-amz-target"] = "AmazonSQS.Bogus"; });
  await refused("InvalidAction", 400, send("ListQueues", {}, unknown));
  const list = changing("build", (headers, request) => {
    request.body = "[]";
    headers["content-length"] = "2";
  });
  await refused("MalformedInput", 400, send("GetQueueUrl", { QueueName: "q" }, list));
});

await prove("is refused for an action that its key may not do", async () => {
  await control("POST", "keys", { id: "AKIDREADER", secret: "s", actions: ["ReceiveMessage"] });
  const reader = connect({ credentials: { accessKeyId: "AKIDREADER", secretAccessKey: "s" } });
  const url = await queue();
  assert.deepEqual(await receive(url, {}, reader), []);
  const error = await refused("AccessDenied", 403,
    send("SendMessage", { QueueUrl: url, MessageBody: "m" }, reader));
  assert.match(error.message, /not authorized to perform: sqs:sendmessage on resource/);
});

about("ATemporaryKey");

const terms = { id: "ASIATEMPORARY", secret: "s", token: "the+token==" };
const temporary = (sessionToken) => connect({ credentials: {
  accessKeyId: terms.id, secretAccessKey: terms.secret, sessionToken } });

await prove("is accepted with its token and with no other", async () => {
  await control("POST", "keys", terms);
  await send("ListQueues", {}, temporary(terms.token));
  await refused("InvalidClientTokenId", 403, send("ListQueues", {}, temporary("another")));
  await refused("InvalidClientTokenId", 403, send("ListQueues", {}, temporary()));
});

await prove("expires under a client that runs until it is renewed", async () => {
  let current = terms;
  const running = connect({ credentials: async () => ({
    accessKeyId: current.id, secretAccessKey: current.secret, sessionToken: current.token,
    expiration: new Date() }) });
  await send("ListQueues", {}, running);
  await control("POST", "keys", { ...terms, expired: true });
  await refused("ExpiredToken", 403, send("ListQueues", {}, running));
  current = { ...terms, token: "renewed" };
  await control("POST", "keys", current);
  await send("ListQueues", {}, running);
});

about("AClock");

await prove("that is wrong by an hour either way is followed by a client that runs", async () => {
  const running = connect();
  for (const [skew, expected] of [[0, 1], [3600, 2], [3600, 1], [-3600, 2], [-3600, 1]]) {
    await clock({ skew });
    assert.equal(attempts(await send("ListQueues", {}, running)), expected, `at ${skew} s`);
  }
});

await prove("that is shown wrong in one answer leads the next request astray", async () => {
  const running = connect();
  await fault({ kind: "date", seconds: 7200 });
  await send("ListQueues", {}, running);
  await refused("SignatureDoesNotMatch", 403, send("ListQueues", {}, running));
  await send("ListQueues", {}, running);
});

about("AFault");

/** An error that the SDK tries again after. */
async function waitedOut(status, code) {
  await fault({ kind: "status", status, code });
  assert.equal(attempts(await send("ListQueues")), 2);
  await fault({ kind: "status", status, code });
  await refused(code, status, send("ListQueues", {}, once));
}

await prove("of throttling is waited out by the SDK as 400 and as 403", async () => {
  await waitedOut(400, "ThrottlingException");
  await waitedOut(403, "RequestThrottled");
});

await prove("of the service is waited out by the SDK", async () => {
  await waitedOut(500, "InternalFailure");
  await waitedOut(503, "ServiceUnavailable");
});

await prove("can be each error that only the real service has a reason for", async () => {
  for (const [code, status] of [["InvalidIdFormat", 400], ["InvalidSecurity", 403],
    ["KmsAccessDenied", 400], ["KmsDisabled", 400], ["KmsInvalidKeyUsage", 400],
    ["KmsInvalidState", 400], ["KmsNotFound", 400], ["KmsOptInRequired", 403],
    ["KmsThrottled", 400], ["MessageNotInflight", 400]]) {
    await fault({ kind: "status", status, code, message: "by order" });
    assert.equal((await refused(code, status, send("ListQueues", {}, once))).message, "by order");
  }
});

await prove("of the connection fails the call and the next works", async () => {
  for (const kind of ["truncate", "cut-before", "cut-after"]) {
    await fault({ kind });
    assert.equal((await broken(send("ListQueues", {}, once))).code, "ECONNRESET", kind);
    await send("ListQueues", {}, once);
    await fault({ kind });
    assert.equal(attempts(await send("ListQueues")), 2, kind);
  }
});

await prove("of the body fails the call and the next works", async () => {
  for (const terms of [{ kind: "garble" }, { kind: "raw", body: "<html>Busy</html>" },
    { kind: "raw", body: "<ErrorResponse/>", content_type: "text/xml", status: 400 }]) {
    await fault(terms);
    assert.ok((await broken(send("ListQueues", {}, once))) instanceof SyntaxError);
    await send("ListQueues", {}, once);
  }
});

await prove("that answers nothing ends when the client gives up", async () => {
  await fault({ kind: "black-hole" });
  const giveUp = AbortSignal.timeout(100);
  const error = await broken(
    once.send(new sqs.ListQueuesCommand({}), { abortSignal: giveUp }));
  assert.equal(error.name, "AbortError");
  await send("ListQueues", {}, once);
});

await prove("that drips or delays or floods still is an answer", async () => {
  const url = await queue();
  for (const terms of [{ kind: "drip", ms: 1, bytes: 8 }, { kind: "delay", ms: 1 },
    { kind: "late", ms: 1 }]) {
    await send("SendMessage", { QueueUrl: url, MessageBody: terms.kind });
    await fault(terms);
    assert.deepEqual(bodies(await receive(url)), [terms.kind]);
  }
  await fault({ kind: "too-large", bytes: 1 << 20 });
  assert.deepEqual(await receive(url), []);
});

await prove("delivers a message twice and another that is like it", async () => {
  const url = await queue();
  await send("SendMessage", { QueueUrl: url, MessageBody: "m" });
  await fault({ action: "ReceiveMessage", kind: "twice" });
  await fault({ action: "ReceiveMessage", kind: "duplicate" });
  const [[first], [second], [third]] = [await receive(url), await receive(url), await receive(url)];
  assert.equal(first.MessageId, second.MessageId);
  assert.notEqual(second.MessageId, third.MessageId);
  assert.equal(third.Body, "m");
});

about("Everything");

await prove("that the SDK can ask for has been answered", async () => {
  const stats = await control("GET", "stats");
  const commands = Object.keys(sqs).filter((name) => /^[A-Z].*Command$/.test(name));
  const actions = commands.map((name) => name.replace(/Command$/, ""));
  assert.ok(actions.length >= 23);
  assert.deepEqual(actions.filter((name) => !stats[name]?.OK), []);
});

await prove("that the SDK has a class of errors for has been refused", async () => {
  const classes = Object.keys(sqs).filter(
    (name) => sqs[name]?.prototype instanceof sqs.SQSServiceException);
  assert.ok(classes.length >= 28);
  assert.deepEqual(classes.filter((name) => !refusals.has(name)), []);
});
