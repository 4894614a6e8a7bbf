// A headless Chromium with a fresh profile, which it removes at its end.
// In: CHROMIUM, which names the browser (default /usr/bin/chromium). Out: a Playwright browser; close() ends it.

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
