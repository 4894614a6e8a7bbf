// A headless Firefox with a fresh profile, driven by Puppeteer over WebDriver BiDi. In and out: see engines.mjs.
// FIREFOX names the browser (default /usr/bin/firefox-esr).

import { launch } from 'puppeteer-core';
import { asPage } from './page.mjs';

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
  return asPage(browser, await browser.newPage(), hear);
}
