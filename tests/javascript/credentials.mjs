// Says in a line of JSON which keys the SDK gets from the container's endpoint that its environment
// names, by each of its providers, or why it gets none.

import { sdk } from "./sdk.mjs";

const providers = sdk("@aws-sdk/credential-providers");
const logger = { debug() {}, info() {}, warn() {}, error() {} };

async function get(provider) {
  try {
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = await provider();
    return { accessKeyId, secretAccessKey, sessionToken,
      seconds: Math.round((expiration - Date.now()) / 1000) };
  } catch (error) {
    return { error: error.message };
  }
}

console.log(JSON.stringify({
  fromHttp: await get(providers.fromHttp({ maxRetries: 0, timeout: 5000, logger })),
  fromContainerMetadata: await get(
    providers.fromContainerMetadata({ maxRetries: 0, timeout: 5000 })),
}));
