// Adds up the results of all test runners and lists what was skipped and why: totals.mjs FOLDER
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const folder = process.argv[2];
const total = { passed: 0, failed: 0, skipped: 0 };
const skips = [];
const missing = [];

function read(name, count) {
  const path = join(folder, name);
  if (!existsSync(path)) {
    missing.push(name);
    return;
  }
  count(readFileSync(path, 'utf8'));
}

// goEvents counts the tests of `go test -json`. A failed package without a failed test is one failure.
function goEvents(text) {
  const output = new Map();
  const failedPackages = new Set();
  const packagesWithFailures = new Set();
  for (const line of text.split('\n')) {
    if (!line.startsWith('{')) continue;
    const event = JSON.parse(line);
    const key = `${event.Package} ${event.Test}`;
    if (!event.Test) {
      if (event.Action === 'fail') failedPackages.add(event.Package);
      continue;
    }
    if (event.Action === 'output') {
      output.set(key, (output.get(key) ?? '') + event.Output);
    } else if (event.Action === 'pass') {
      total.passed += 1;
    } else if (event.Action === 'fail') {
      total.failed += 1;
      packagesWithFailures.add(event.Package);
    } else if (event.Action === 'skip') {
      total.skipped += 1;
      const why = (output.get(key) ?? '').split('\n').filter((l) => !/^\s*(===|---)/.test(l) && l.trim());
      skips.push(`${key}: ${why.join(' ').trim() || 'no reason given'}`);
    }
  }
  for (const name of failedPackages) if (!packagesWithFailures.has(name)) total.failed += 1;
}

function vitest(text) {
  const result = JSON.parse(text);
  total.passed += result.numPassedTests;
  total.failed += result.numFailedTests + (result.numFailedTests === 0 ? result.numFailedTestSuites : 0);
  total.skipped += result.numPendingTests + result.numTodoTests;
}

function playwright(text) {
  const { stats, errors } = JSON.parse(text);
  total.passed += stats.expected + stats.flaky;
  total.failed += stats.unexpected + errors.length;
  total.skipped += stats.skipped;
}

read('go.json', goEvents);
read('race.json', goEvents);
if (existsSync(join(folder, 'odbc.json'))) read('odbc.json', goEvents); // where unixODBC could be had
read('unit.json', vitest);
read('browser-mock.json', playwright);
read('browser.json', playwright);

for (const line of skips) console.log(`skipped  ${line}`);
for (const name of missing) console.log(`no results in ${name}`);
total.failed += missing.length;
console.log(`Total: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed === 0 ? 0 : 1);
