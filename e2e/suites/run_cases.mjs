// Runs cases: prints `ok NAME` or `not ok NAME` for each, the Python side counts them.

export async function runCases(cases) {
  let failed = 0;
  for (const [name, run] of Object.entries(cases)) {
    const begun = Date.now();
    try {
      await run();
      console.log(`ok ${name} (${Date.now() - begun} ms)`);
    } catch (error) {
      failed += 1;
      console.log(`not ok ${name}\n${error.stack}`);
    }
  }
  process.exitCode = failed ? 1 : 0;
}
