// A worker as the application deploys it to AWS Lambda: keeps the row of each job itself, by a
// Postgres client from npm, and works by the AWS SDK. Nothing in it knows where it runs.
//
// What it needs it has from its environment: DATABASE_URL, and what the SDK looks for (AWS_REGION,
// credentials, AWS_ENDPOINT_URL_STS). BUNDLE_FAILS_AT_IMPORT has it fail with that text at once.
//
// Payload keys to rehearse: skipRow (never touches the row), forgetCompleted, throwAfterCompleted
// (with that text), fail (with that text), exit (with that status), sleepMs, flood (so many lines),
// once (what the work is to rehearse, at the first attempt only).

import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import pg from "pg";

if (process.env.BUNDLE_FAILS_AT_IMPORT) throw new Error(process.env.BUNDLE_FAILS_AT_IMPORT);

const sts = new STSClient({});
const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL, max: 1 });
pool.on("error", (error) => console.warn(`lost the database: ${error.message}`));

const now = "now() AT TIME ZONE 'utc'";

const update = (id, changes, ...values) => pool.query(
  `UPDATE background_jobs SET ${changes}, updated_at = ${now} WHERE id = $1 RETURNING attempts`,
  [id, ...values]);

async function begin(id) {
  const { rows: [row] } = await update(
    id, `status = 'processing', attempts = attempts + 1, started_at = ${now}`);
  return row.attempts;
}

const complete = (id) => update(id, `status = 'completed', completed_at = ${now}, error = NULL`);
const fail = (id, error) => update(id, "status = 'failed', error = $2", error.message);

async function work(payload) {
  for (let line = 1; line <= (payload.flood ?? 0); line++) console.log(`line ${line}`);
  if (payload.sleepMs) await new Promise((resolve) => setTimeout(resolve, payload.sleepMs));
  if (payload.exit !== undefined) process.exit(payload.exit);
  if (payload.fail) throw new Error(payload.fail);
  const { Arn } = await sts.send(new GetCallerIdentityCommand({}));
  const { accessKeyId } = await sts.config.credentials();
  console.log(`worked as ${Arn} with key ${accessKeyId}`);
}

async function perform({ jobId, payload }) {
  if (payload.skipRow) return work(payload);
  const attempts = await begin(jobId);
  try {
    await work(payload.once && attempts > 1 ? {} : payload);
  } catch (error) {
    await fail(jobId, error);
    throw new Error(`${jobId} failed: ${error.message}`);
  }
  if (!payload.forgetCompleted) await complete(jobId);
  if (payload.throwAfterCompleted) throw new Error(payload.throwAfterCompleted);
}

export async function handler(event) {
  for (const record of event.Records) await perform(JSON.parse(record.body));
}
