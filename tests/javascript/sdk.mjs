// The AWS SDK, from where make has installed it: not beside these scripts, but with what is built.

import { createRequire } from "node:module";
import path from "node:path";

export const sdk = createRequire(path.join(process.env.NEXUS_BUILD, "javascript", "package.json"));
