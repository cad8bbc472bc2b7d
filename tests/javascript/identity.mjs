// The local STS, metadata service and container's endpoint, asked by the AWS SDK: by the client for
// STS, and by the SDK's providers, whose keys are then tried on SQS.

import assert from "node:assert/strict";
import fs from "node:fs";
import os from "node:os";
import path from "node:path";

import { about } from "./findings.mjs";
import {
  account, broken, changing, clock, connect, control, endpoint, fault, key, prove, refused, region,
  send,
} from "./sqs_local.mjs";
import { sdk } from "./sdk.mjs";

const sts = sdk("@aws-sdk/client-sts");
const providers = sdk("@aws-sdk/credential-providers");

const roleArn = `arn:aws:iam::${account}:role/path/worker`;
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

const connectSts = (options = {}) =>
  new sts.STSClient({ endpoint, region, credentials: key, maxAttempts: 1, ...options });
const client = connectSts();

/** Has STS do an action. */
function ask(action, input = {}, from = client) {
  return from.send(new sts[`${action}Command`](input));
}

const assume = (input = {}, from = client) =>
  ask("AssumeRole", { RoleArn: roleArn, RoleSessionName: "me", ...input }, from);
const assumeWith = (WebIdentityToken, input = {}, from = client) =>
  ask("AssumeRoleWithWebIdentity",
    { RoleArn: roleArn, RoleSessionName: "pod", WebIdentityToken, ...input }, from);

const role = (terms = {}) => control("POST", "roles", { arn: roleArn, ...terms });
const metadata = (terms) => control("POST", "metadata", terms);

/** Changes what a container is given; the address. */
async function container(id, terms = {}) {
  await control("POST", "container", { id, ...terms });
  return `${endpoint}/v2/credentials/${id}`;
}

/** STS must refuse the call with that error; its words must be like that. */
async function denied(name, status, call, words = /./) {
  const error = await refused(name, status, call, sts[name] ?? sts.STSServiceException);
  assert.match(error.message, words);
}

/** How often what was asked for had which result, since this was last called. */
async function counted(...names) {
  const stats = await control("GET", "stats");
  await control("DELETE", "stats");
  return names.map((name) => stats[name] ?? {});
}

const list = (credentials) => send("ListQueues", {}, connect({ credentials }));

/** The keys in an answer of STS, as a client takes them. */
const keysIn = ({ Credentials: shown }) => ({ accessKeyId: shown.AccessKeyId,
  secretAccessKey: shown.SecretAccessKey, sessionToken: shown.SessionToken });

/** A client with those credentials is let in until their time is over, and not any more then. */
async function liveFor(seconds, credentials) {
  const running = connect({ credentials });
  await send("ListQueues", {}, running);
  await clock({ advance: seconds - 10 });
  await send("ListQueues", {}, running);
  await clock({ advance: 12 });
  await refused("ExpiredToken", 403, send("ListQueues", {}, running));
}

/** And whoever asks anew after that is let in. */
async function liveAndAreFollowed(seconds, provider) {
  await liveFor(seconds, provider);
  await list(provider);
}

/** Sees to it that the check finds those variables in the environment, and nobody after it. */
async function surrounded(variables, check) {
  Object.assign(process.env, variables);
  try {
    return await check();
  } finally {
    for (const name of Object.keys(variables)) delete process.env[name];
  }
}

/** Sees to it that the check is on an instance, whose keys instance() provides. */
const onAnInstance = (check) =>
  surrounded({ AWS_EC2_METADATA_SERVICE_ENDPOINT: endpoint }, check);
const instance = (options = {}) =>
  providers.fromInstanceMetadata({ logger: quiet, timeout: 5000, ...options });

/** Gives the check a function that writes the text to a file, always the same, and names it. */
async function withFile(check) {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "identity-"));
  const file = path.join(directory, "token");
  try {
    await check((text) => {
      fs.writeFileSync(file, text);
      return file;
    });
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

about("AnAssumedRole");

await prove("is described and its keys live as long as they were asked for", async () => {
  await role();
  const answer = await assume({ DurationSeconds: 900 });
  assert.equal(answer.AssumedRoleUser.Arn, `arn:aws:sts::${account}:assumed-role/worker/me`);
  assert.match(answer.AssumedRoleUser.AssumedRoleId, /^AROA[A-Z2-7]{17}:me$/);
  const left = answer.Credentials.Expiration - Date.now();
  assert.ok(left > 890_000 && left <= 901_000, `${left} ms`);
  await liveFor(900, keysIn(answer));
});

await prove("has keys that are good with their own session token only", async () => {
  await role();
  const keys = keysIn(await assume());
  const other = keysIn(await assume());
  for (const sessionToken of [undefined, other.sessionToken])
    await refused("InvalidClientTokenId", 403, list({ ...keys, sessionToken }));
  await list(keys);
});

await prove("may do what it may and nothing else", async () => {
  await role({ actions: ["ListQueues"] });
  const credentials = keysIn(await assume());
  await list(credentials);
  const error = await refused("AccessDenied", 403,
    send("CreateQueue", { QueueName: "q" }, connect({ credentials })));
  assert.match(error.message, /assumed-role\/worker\/me is not authorized/);
});

await prove("is denied to whom it is not for", async () => {
  await denied("AccessDenied", 403, assume(), /not authorized to perform: sts:AssumeRole on/);
  await role({ external_id: "ours" });
  await denied("AccessDenied", 403, assume());
  await denied("AccessDenied", 403, assume({ ExternalId: "theirs" }));
  await assume({ ExternalId: "ours" });
  await role({ principal: "AKIAOTHER00000000000" });
  await denied("AccessDenied", 403, assume({ ExternalId: "ours" }));
  await role({ principal: key.accessKeyId, external_id: null });
  await assume();
});

await prove("is asked for with parameters that are right", async () => {
  await role();
  for (const [input, words] of [
    [{ RoleArn: undefined }, /null at 'roleArn'/],
    [{ RoleArn: "arn:aws:iam::1:role" }, /greater than or equal to 20/],
    [{ RoleArn: roleArn + "x".repeat(2048) }, /less than or equal to 2048/],
    [{ RoleSessionName: undefined }, /null at 'roleSessionName'/],
    [{ RoleSessionName: "m" }, /greater than or equal to 2/],
    [{ RoleSessionName: "m".repeat(65) }, /less than or equal to 64/],
    [{ RoleSessionName: "<größe>" }, /'roleSessionName' failed .* pattern/],
    [{ ExternalId: "an id" }, /'externalId' failed .* pattern/],
    [{ DurationSeconds: 899 }, /greater than or equal to 900/],
    [{ DurationSeconds: 43201 }, /less than or equal to 43200/],
  ]) await denied("ValidationError", 400, assume(input), words);
  await assume({ DurationSeconds: 43200 });
});

await prove("leads to another but for an hour only", async () => {
  await role();
  const chained = connectSts({ credentials: keysIn(await assume()) });
  await denied("ValidationError", 400, assume({ DurationSeconds: 3601 }, chained), /chaining/);
  await list(keysIn(await assume({ DurationSeconds: 3600 }, chained)));
});

about("AWebIdentity");

await prove("gets keys without a signature", async () => {
  await role({ web_identity_token: "header.payload/+=.signature" });
  const answer = await assumeWith("header.payload/+=.signature", { DurationSeconds: 1000 },
    connectSts({ credentials: () => assert.fail("no keys are needed") }));
  assert.equal(answer.AssumedRoleUser.Arn, `arn:aws:sts::${account}:assumed-role/worker/pod`);
  assert.equal(answer.Audience, "sts.amazonaws.com");
  assert.ok(answer.SubjectFromWebIdentityToken && answer.Provider);
  await liveFor(1000, keysIn(answer));
});

await prove("is refused with a token that is another or too old", async () => {
  await role({ web_identity_token: "the next", expired_web_identity_token: "the last" });
  await denied("InvalidIdentityTokenException", 400, assumeWith("another"));
  await denied("ExpiredTokenException", 400, assumeWith("the last"), /^Token expired/);
  await list(keysIn(await assumeWith("the next")));
});

await prove("is denied a role that is not for it and keys one that is", async () => {
  await denied("AccessDenied", 403, assumeWith("a token"), /sts:AssumeRoleWithWebIdentity/);
  await role();
  await denied("AccessDenied", 403, assumeWith("a token"));
  await role({ web_identity_token: "a token" });
  await denied("AccessDenied", 403, assume());
});

await prove("is asked for with parameters that are right", async () => {
  await role({ web_identity_token: "a token" });
  for (const [token, input, words] of [
    [undefined, {}, /null at 'webIdentityToken'/],
    ["abc", {}, /Value at 'webIdentityToken' .* greater than or equal to 4/],
    ["a".repeat(20001), {}, /less than or equal to 20000/],
    ["a token", { RoleArn: undefined }, /null at 'roleArn'/],
    ["a token", { RoleSessionName: "?!" }, /'roleSessionName' failed/],
    ["a token", { DurationSeconds: 60 }, /'durationSeconds' failed/],
  ]) await denied("ValidationError", 400, assumeWith(token, input), words);
});

about("ACallersIdentity");

await prove("is that of a user or of a session", async () => {
  const user = await ask("GetCallerIdentity");
  assert.deepEqual([user.Account, user.Arn, user.UserId],
    [account, `arn:aws:iam::${account}:user/${key.accessKeyId}`, key.accessKeyId]);
  await role();
  const answer = await assume();
  const session = await ask("GetCallerIdentity", {},
    connectSts({ credentials: keysIn(answer) }));
  assert.equal(session.Arn, answer.AssumedRoleUser.Arn);
  assert.equal(session.UserId, answer.AssumedRoleUser.AssumedRoleId);
});

await prove("is not told without a signature that is right", async () => {
  const as = (changes, options = {}) => ask("GetCallerIdentity", {},
    connectSts({ credentials: { ...key, ...changes }, ...options }));
  const unsigned = changing("deserialize", (headers) => { delete headers.authorization; },
    connectSts());
  await denied("MissingAuthenticationToken", 403, ask("GetCallerIdentity", {}, unsigned));
  await denied("InvalidClientTokenId", 403, as({ accessKeyId: "AKIDNOBODY" }));
  await denied("SignatureDoesNotMatch", 403, as({ secretAccessKey: "wrong" }));
  await denied("SignatureDoesNotMatch", 403, as({}, { region: "eu-west-1" }));
});

await prove("is not told to keys that are over", async () => {
  await role();
  const over = connectSts({ credentials: keysIn(await assume({ DurationSeconds: 900 })) });
  await clock({ advance: 902 });
  await denied("ExpiredToken", 403, ask("GetCallerIdentity", {}, over), /expired/);
});

about("STS");

await prove("refuses an action that it does not have", async () => {
  await denied("InvalidAction", 400, ask("GetSessionToken"), /operation GetSessionToken/);
});

await prove("can be had to refuse with what only the real one has a reason for", async () => {
  for (const [code, status, name = code] of [
    ["IDPCommunicationError", 400, "IDPCommunicationErrorException"],
    ["IDPRejectedClaim", 403, "IDPRejectedClaimException"],
    ["MalformedPolicyDocument", 400, "MalformedPolicyDocumentException"],
    ["PackedPolicyTooLarge", 400, "PackedPolicyTooLargeException"],
    ["RegionDisabledException", 403], ["Throttling", 400], ["ServiceUnavailable", 503],
  ]) {
    await fault({ action: "AssumeRoleWithWebIdentity", kind: "status", status, code,
      message: "by order" });
    await denied(name, status, assumeWith("a token"), /^by order$/);
  }
});

about("FromTemporaryCredentials");

const temporary = (params = {}, masterCredentials = key) => providers.fromTemporaryCredentials({
  masterCredentials, clientConfig: { endpoint, region, maxAttempts: 1 },
  params: { RoleArn: roleArn, DurationSeconds: 900, ...params } });

await prove("are keys that SQS accepts until they are over", async () => {
  await role({ external_id: "ours" });
  await liveAndAreFollowed(900, temporary({ ExternalId: "ours" }));
});

await prove("are none where the role is denied", async () => {
  await refused("AccessDenied", 403, list(temporary()), Error);
});

await prove("come from the keys of an instance too", () => onAnInstance(async () => {
  await role();
  await metadata({ role: "instance", actions: ["AssumeRole"] });
  await refused("AccessDenied", 403, list(instance()));
  await list(temporary({}, instance()));
}));

about("FromAToken");

const web = { roleArn, roleSessionName: "pod", durationSeconds: 900,
  clientConfig: { endpoint, region, maxAttempts: 1 } };

await prove("are keys that SQS accepts until they are over", async () => {
  await role({ web_identity_token: "a token" });
  await liveAndAreFollowed(900, providers.fromWebToken({ ...web, webIdentityToken: "a token" }));
});

await prove("in a file are keys that SQS accepts until they are over", () =>
  withFile(async (write) => {
    await role({ web_identity_token: "a token" });
    const webIdentityTokenFile = write("a token");
    await liveAndAreFollowed(900, providers.fromTokenFile({ ...web, webIdentityTokenFile }));
  }));

await prove("that is too old are none until its file has another", () => withFile(async (write) => {
  await role({ web_identity_token: "the next", expired_web_identity_token: "the last" });
  const fromFile = providers.fromTokenFile({ ...web, webIdentityTokenFile: write("the last") });
  await refused("ExpiredTokenException", 400, list(fromFile), Error);
  write("another");
  await refused("InvalidIdentityTokenException", 400, list(fromFile), Error);
  write("the next");
  await list(fromFile);
}));

await prove("are none where the role is denied", async () => {
  await refused("AccessDenied", 403,
    list(providers.fromWebToken({ ...web, webIdentityToken: "a token" })), Error);
});

about("FromInstanceMetadata");

const parts = ["metadata:token", "metadata:role", "metadata:credentials"];

/** Asks the metadata service, which must not give keys; the error, and what was asked for. */
async function withoutKeys(options) {
  await counted();
  const error = await onAnInstance(() => broken(list(instance(options))));
  return [error, ...await counted(...parts)];
}

await prove("are keys that SQS accepts until they are over", () => onAnInstance(async () => {
  await metadata({ role: "worker", seconds: 3600 });
  await counted();
  await liveAndAreFollowed(3600, instance());
  assert.deepEqual(await counted(...parts), [{ OK: 2 }, { OK: 2 }, { OK: 2 }]);
}));

await prove("are none for who asks without a token", async () => {
  await metadata({ role: "worker" });
  await fault({ action: "metadata:token", kind: "status", status: 404 });
  const [error, ...asked] = await withoutKeys();
  assert.equal(error.statusCode, 401, error.stack);
  assert.deepEqual(asked, [{ "fault:status": 1 }, { 401: 1 }, {}]);
});

await prove("are none where no role is attached", async () => {
  const [error, ...asked] = await withoutKeys();
  assert.equal(error.statusCode, 404, error.stack);
  assert.deepEqual(asked, [{ OK: 1 }, { 404: 1 }, {}]);
});

await prove("are none where the service is switched off", async () => {
  await metadata({ role: "worker", status: 403 });
  const [error, ...asked] = await withoutKeys();
  assert.equal(error.statusCode, 403, error.stack);
  assert.deepEqual(asked, [{ 403: 1 }, { 403: 1 }, {}]);
});

await prove("are none where the answer says that there are none", async () => {
  await metadata({ role: "worker", code: "AssumeRoleUnauthorizedAccess" });
  const [error, ...asked] = await withoutKeys();
  assert.match(error.message, /^Invalid response received/);
  assert.deepEqual(asked, [{ OK: 1 }, { OK: 1 }, { OK: 1 }]);
});

await prove("are none too many hops away where asking for a token is never answered", async () => {
  await metadata({ role: "worker", hop_limit_exceeded: true });
  const [error, ...asked] = await withoutKeys({ timeout: 200, ec2MetadataV1Disabled: true });
  assert.equal(error.name, "InstanceMetadataV1FallbackError", error.stack);
  assert.deepEqual(asked, [{ silence: 1 }, {}, {}]);
});

about("FromAContainersEndpoint");

const http = (awsContainerCredentialsFullUri, options = {}) => providers.fromHttp(
  { awsContainerCredentialsFullUri, maxRetries: 0, timeout: 5000, logger: quiet, ...options });

await prove("are keys that SQS accepts until they are over", async () => {
  await liveAndAreFollowed(900, http(await container("task", { seconds: 900 })));
});

await prove("with its token are keys that SQS accepts until they are over", async () => {
  const uri = await container("task", { seconds: 900, token: "Basic abc" });
  await liveAndAreFollowed(900, http(uri, { awsContainerAuthorizationToken: "Basic abc" }));
});

await prove("without its token or with another are none", async () => {
  const uri = await container("task", { token: "Basic abc" });
  for (const awsContainerAuthorizationToken of [undefined, "Basic abd"]) {
    const error = await broken(list(http(uri, { awsContainerAuthorizationToken })));
    assert.match(error.message, /^Server responded with status: 401$/);
  }
});

await prove("of EKS with the token in a file are keys that SQS accepts until they are over", () =>
  withFile(async (write) => {
    await container("pod", { seconds: 900, token: "eyJ.a.b" });
    const fromPod = http(`${endpoint}/v1/credentials`,
      { awsContainerAuthorizationTokenFile: write("eyJ.a.b") });
    await liveAndAreFollowed(900, fromPod);
    write("eyJ.c.d");
    assert.match((await broken(list(fromPod))).message, /^Server responded with status: 400$/);
  }));

await prove("in the environment are keys that SQS accepts until they are over", async () => {
  const provider = providers.fromContainerMetadata({ timeout: 5000 });
  const AWS_CONTAINER_CREDENTIALS_FULL_URI = await container("task", { seconds: 900 });
  await surrounded({ AWS_CONTAINER_CREDENTIALS_FULL_URI },
    () => liveAndAreFollowed(900, provider));
  await container("task", { token: "Basic abc" });
  await surrounded({ AWS_CONTAINER_CREDENTIALS_FULL_URI,
    AWS_CONTAINER_AUTHORIZATION_TOKEN: "Basic abc" }, () => liveAndAreFollowed(900, provider));
});

await prove("in the environment without its token or with another are none", async () => {
  const provider = providers.fromContainerMetadata({ timeout: 5000 });
  const uri = { AWS_CONTAINER_CREDENTIALS_FULL_URI: await container("task", { token: "t" }) };
  for (const token of [{}, { AWS_CONTAINER_AUTHORIZATION_TOKEN: "u" }]) {
    await surrounded({ ...uri, ...token }, async () => {
      assert.equal((await broken(list(provider))).statusCode, 401);
    });
  }
});
