// Chromium, driven by Playwright. In and out: see engines.mjs.

import { launchBrowser } from '../browser.mjs';
import { asPage } from './page.mjs';

export async function openChromium({ viewport, hear }) {
  const browser = await launchBrowser();
  return asPage(browser, await browser.newPage({ viewport }), hear);
}
