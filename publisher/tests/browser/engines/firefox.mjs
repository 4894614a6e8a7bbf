// A headless Firefox with a fresh profile, driven by Puppeteer over WebDriver BiDi. In and out: see engines.mjs.
// FIREFOX names the browser (default /usr/bin/firefox-esr).

import { launch } from 'puppeteer-core';
import { listen } from './listen.mjs';

const AUTOPLAY_ALLOWED = 0;

export async function openFirefox({ viewport, hear }) {
  const browser = await launch({
    browser: 'firefox',
    executablePath: process.env.FIREFOX ?? '/usr/bin/firefox-esr',
    headless: true,
    defaultViewport: viewport,
    timeout: 60_000,
    extraPrefsFirefox: { 'media.autoplay.default': AUTOPLAY_ALLOWED },
  });
  const page = await browser.newPage();
  listen(page, hear);
  return {
    goto: (url) => page.goto(url, { timeout: 20_000 }),
    evaluate: (run, argument) => page.evaluate(run, argument),
    screenshot: (path) => page.screenshot({ path }),
    close: () => browser.close(),
  };
}
