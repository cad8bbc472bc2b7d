// The bootstrap, which runs Lambda functions: what it finds in a bundle, and what it refuses.

import assert from "node:assert/strict";
import path from "node:path";

import { about, prove } from "./findings.mjs";
import { answers, esm, exportsSaying, refused, running, says } from "./runtime.mjs";

about("AModule");

await prove("of the old kind is found",
  answers("common", { "index.js": says("common") }));

await prove("is what the nearest package describes", async () => {
  const files = {
    "package.json": '{"type":"module"}', "index.js": exportsSaying("module"),
    "old/package.json": "{}", "old/index.js": says("old"), "new/index.js": exportsSaying("new"),
    "node_modules/loose/index.js": says("loose"),
  };
  await answers("module", files)();
  await answers("old", files, { handler: "old/index.handler" })();
  await answers("new", files, { handler: "new/index.handler" })();
  await answers("loose", files, { handler: "node_modules/loose/index.handler" })();
});

await prove("is looked for by its name and then by its endings in order", async () => {
  const files = { "index": says("plain"), "index.js": says("js"),
    "index.mjs": exportsSaying("mjs"), "index.cjs": says("cjs") };
  for (const name of Object.keys(files)) {
    await answers(name === "index" ? "plain" : path.extname(name).slice(1), files)();
    delete files[name];
  }
});

await prove("may lie in a folder", answers("deep", { "src/jobs/index.mjs": exportsSaying("deep") },
  { handler: "src/jobs/index.handler" }));

await prove("may have its handler inside something else", async () => {
  const files = { "index.js": "exports.jobs = { first: { handler: async () => 1 } };" };
  await answers(1, files, { handler: "index.jobs.first.handler" })();
  await answers(2, esm("export default { handler: async () => 2 };"))();
});

await prove("finds the packages that came with it", async () => {
  const packages = { "node_modules/dep/package.json": '{"main":"lib.js"}',
    "node_modules/dep/lib.js": 'exports.text = "dep"; exports.handler = async () => "its own";' };
  await answers("dep", { ...packages,
    "src/index.mjs": 'import dep from "dep"; export const handler = async () => dep.text;' },
  { handler: "src/index.handler" })();
  await answers("dep", { ...packages,
    "index.js": 'const dep = require("dep"); exports.handler = async () => dep.text;' })();
  await answers("its own", packages, { handler: "dep.handler" })();
});

await prove("may be a package of NODE_PATH", answers("layer", { "opt/dep/index.js": says("layer") },
  { handler: "dep.handler", environment: (folder) => ({ NODE_PATH: path.join(folder, "opt") }) }));

await prove("may await before it is loaded", answers("later", esm(
  `const text = await new Promise((resolve) => setTimeout(resolve, 5, "later"));
   export const handler = async () => text;`)));

await prove("that is not there is refused", async () => {
  await refused("Runtime.ImportModuleError", /^Error: Cannot find module 'index'/, {});
  await refused("Runtime.ImportModuleError", /^Error: Cannot find module 'absent'/,
    { "index.js": 'require("absent");' });
});

await prove("that imports what is not there is refused in node's words",
  () => refused("Error", /^Cannot find package 'absent'/, esm('import "absent";')));

await prove("without the handler is refused", async () => {
  const files = { "index.js": 'exports.other = () => {}; exports.text = "x";' };
  await refused("Runtime.HandlerNotFound", /^index.handler is undefined or not exported/, files);
  await refused("Runtime.HandlerNotFound", /^index.text is not a function/, files,
    { handler: "index.text" });
  await refused("Runtime.HandlerNotFound", /^index.a.b is undefined/, files,
    { handler: "index.a.b" });
});

await prove("must be named as handlers are", async () => {
  for (const handler of ["index", "../index.handler", "index..handler", "folder/index", "", null])
    await refused("Runtime.MalformedHandlerName", /is no handler's name/,
      { "index.js": says("x") }, { environment: () => ({ _HANDLER: handler }) });
});

await prove("that is not JavaScript is refused", async () => {
  for (const files of [{ "index.js": "exports.handler = );" }, esm("export const = 1;")])
    await refused("Runtime.UserCodeSyntaxError", /^SyntaxError: Unexpected token/, files);
});

await prove("that throws is refused with what it threw", async () => {
  const text = `class DatabaseError extends Error { name = "DatabaseError"; }
    throw new DatabaseError("DATABASE_URL is not set");`;
  for (const files of [{ "index.js": text }, esm(text)])
    await refused("DatabaseError", /^DATABASE_URL is not set$/, files);
  await refused("object", /^null$/, { "index.js": "throw null;" });
});

await prove("that waits for nothing is refused",
  () => refused("Runtime.NodeJsExit", /not settled/, esm("await new Promise(() => {});")));

await prove("that leaves a rejected promise is refused",
  () => refused("Runtime.UnhandledPromiseRejection", /^TypeError: lost$/,
    esm(`Promise.reject(new TypeError("lost")); await new Promise((r) => setTimeout(r, 1000));`),
    { status: 128 }));

await prove("may end the process", () =>
  running({ "index.js": "process.exit(7);" }, async (runtime) =>
    assert.equal(await runtime.status(), 7)));
