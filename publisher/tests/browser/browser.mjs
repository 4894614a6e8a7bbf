// A headless Chromium with a fresh profile, which it removes at its end.
// In: CHROMIUM, which names the browser (default /usr/bin/chromium). Out: a Playwright browser; close() ends it. Or: what a test does with
// its page. Out: its outcome as a line of JSON, and the exit status.

import { chromium } from 'playwright-core';

const FLAGS = [
  '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync', '--autoplay-policy=no-user-gesture-required',
];

/** @param {string[]} flags more of them */
export function launchBrowser(flags = []) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  return chromium.launch({ executablePath, args: [...FLAGS, ...flags], timeout: 30_000 });
}

/**
 * Opens a page, lets `look` do what it does, tells the outcome, and ends the browser.
 * @param {(page: import('playwright-core').Page) => Promise<{event: string}>} look
 */
export async function lookAtPage(look) {
  const browser = await launchBrowser();
  let outcome;
  try {
    outcome = await look(await browser.newPage());
  } catch (error) {
    outcome = { event: 'failed', reason: error.message.split('\n')[0] };
  }
  await browser.close();
  say(outcome);
  process.exitCode = outcome.event === 'ok' ? 0 : 1;
}

/** @param {object} line */
export function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
