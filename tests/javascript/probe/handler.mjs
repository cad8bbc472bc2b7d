// A worker that tells where it runs and what it finds there, and rehearses what can go wrong. It
// needs node alone. Who deploys it puts a file beside it that says which version it is.
//
// Payload keys: read (a file that it tries), tell (a file into which it writes all that it has
// found, as JSON), sleepMs, spin (never ends, and lets nothing else run), exit (with that status),
// fail (with that text), once (all this at the first receive only).

import fs from "node:fs";
import v8 from "node:v8";

const version = fs.readFileSync(new URL("version", import.meta.url), "utf8");

function attempt(path) {
  try {
    return fs.readFileSync(path, "utf8");
  } catch (error) {
    return error.code;
  }
}

const findings = (payload) => ({
  environment: process.env, directory: process.cwd(), flags: process.execArgv,
  heap: v8.getHeapStatistics().heap_size_limit, read: payload.read && attempt(payload.read),
});

async function work(payload) {
  if (payload.tell) fs.writeFileSync(payload.tell, JSON.stringify(findings(payload)));
  if (payload.sleepMs) await new Promise((resolve) => setTimeout(resolve, payload.sleepMs));
  while (payload.spin);
  if (payload.exit !== undefined) process.exit(payload.exit);
  if (payload.fail) throw new Error(payload.fail);
}

export async function handler(event) {
  const [record] = event.Records;
  const { payload } = JSON.parse(record.body);
  console.log(`version ${version}, pid ${process.pid}`);
  const again = Number(record.attributes.ApproximateReceiveCount) > 1;
  if (!(payload.once && again)) await work(payload);
  console.log(`version ${version} is done`);
}
