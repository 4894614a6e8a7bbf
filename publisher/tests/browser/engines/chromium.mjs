// Chromium, driven by Playwright. In and out: see engines.mjs.

import { launchBrowser } from '../browser.mjs';
import { listen } from './listen.mjs';

export async function openChromium({ viewport, hear }) {
  const browser = await launchBrowser();
  const page = await browser.newPage({ viewport });
  listen(page, hear);
  return {
    goto: (url) => page.goto(url, { timeout: 20_000 }),
    evaluate: (run, argument) => page.evaluate(run, argument),
    screenshot: (path) => page.screenshot({ path }),
    close: () => browser.close(),
  };
}
