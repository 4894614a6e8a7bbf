// The page of all channels, in a headless Chromium.
//
//   node channels.mjs URL TITLE… [--within 60] [--screenshot FILE] [--width 1280]
//
// URL has no stream but channels: the page that lists them has to come by itself, and to show all TITLEs as live, each with a picture that
// is not of one colour. axe-core finds nothing. A press on the first one plays it. Each wait lasts at most WITHIN seconds.
//
// stdout: one JSON line {event: ok | failed, troubles or reason}; exit status 0 or 1.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { lookAtPage } from './browser.mjs';

const { values, positionals: [url, ...titles] } = parseArgs({
  allowPositionals: true,
  options: { within: { type: 'string', default: '60' }, screenshot: { type: 'string' }, width: { type: 'string', default: '1280' } },
});
const timeout = Number(values.within) * 1000;

await lookAtPage(async (page) => {
  const troubles = [];
  await page.setViewportSize({ width: Number(values.width), height: 800 });
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  await page.goto(url, { timeout });
  await page.waitForURL(/\/channels\.html$/, { timeout });
  await page.waitForFunction(allAreShown, titles.length, { timeout });
  const shown = await page.locator('#channels strong').allTextContents();
  if (shown.join() !== titles.join()) troubles.push(`titles: ${shown.join()}`);
  for (const colours of await page.evaluate(coloursOfPictures)) {
    if (colours <= 8) troubles.push(`a picture has ${colours} colours`);
  }
  // What the driver evaluates is no script of the page, which forbids those of others.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, help, nodes } of violations) troubles.push(`axe-core: ${id}: ${help}: ${nodes[0].html}`);
  if (values.screenshot) await page.screenshot({ path: values.screenshot });
  await page.locator('#channels a').first().click();
  await page.waitForFunction(() => window.livedir?.state === 'live' && window.livedir.currentTime > 0, null, { timeout });
  return { event: troubles.length === 0 ? 'ok' : 'failed', troubles };
});

function allAreShown(count) {
  return document.querySelectorAll('#channels [data-state="live"][data-picture="yes"]').length === count;
}

/** How many colours there are in each picture. */
function coloursOfPictures() {
  return [...document.querySelectorAll('#channels canvas')].map((canvas) => {
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    return new Set(new Uint32Array(data.buffer)).size;
  });
}
