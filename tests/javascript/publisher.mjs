// The web application's side: it publishes jobs with the clients that it uses there.
//
//     node publisher.mjs TYPE PAYLOAD...
//
// All of them at once, in the database and the queue that the environment names. For each a line of
// JSON: the job's row as it is when publishing returns, and the id of its message.

import { randomUUID } from "node:crypto";

import { sdk } from "./sdk.mjs";

const { SQSClient, SendMessageCommand } = sdk("@aws-sdk/client-sqs");
const { Pool } = sdk("pg");

const pool = new Pool({ connectionString: process.env.DATABASE_URL });
const queue = new SQSClient();

/** The row first, then the message: a worker that is quick must find it. */
async function publish(type, payload) {
  const id = randomUUID();
  await pool.query("INSERT INTO background_jobs (id, type, payload) VALUES ($1, $2, $3)",
    [id, type, payload]);
  const { MessageId } = await queue.send(new SendMessageCommand({
    QueueUrl: process.env.SQS_QUEUE_URL,
    MessageBody: JSON.stringify({ jobId: id, type, payload }),
  }));
  const { rows: [row] } = await pool.query("SELECT * FROM background_jobs WHERE id = $1", [id]);
  return { row, messageId: MessageId };
}

const [type, ...payloads] = process.argv.slice(2);
await Promise.all(payloads.map(async (payload) =>
  console.log(JSON.stringify(await publish(type, JSON.parse(payload))))));
await pool.end();
