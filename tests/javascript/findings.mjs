// How a script tells what it has proved: a line of JSON for each, as tests/lab/javascript.py reads.
//
//     about("AQueue");
//     await prove("is found by its name", async () => { assert... });

let subject = "";

/** What the following is about, as a test class would be called. */
export function about(name) {
  subject = name;
}

/** Runs the check, and says whether it held: it throws if not. Goes on either way. */
export async function prove(what, check) {
  let wrong = null;
  try {
    await check();
  } catch (error) {
    wrong = String(error?.stack ?? error);
  }
  console.log(JSON.stringify({ about: subject, what, wrong }));
}

/** Says that there was no check, and why. */
export function skip(what, reason) {
  console.log(JSON.stringify({ about: subject, what, wrong: null, skipped: reason }));
}
