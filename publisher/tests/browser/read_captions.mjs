// What someone sees of captions, in a headless Chromium.
//
//   node read_captions.mjs URL --says TEXT [--says TEXT]… [--within 60] [--screenshot FILE]
//
// The page of a live stream that repeats a film with captions on CC1 and CC3. They are off at first; `c` and the button go through them and
// off again; on CC1 each TEXT is read; what was wished holds after a reload. Each wait lasts at most WITHIN seconds.
//
// stdout: one JSON line {event: ok | failed, troubles}; exit status 0 or 1.

import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    says: { type: 'string', multiple: true, default: [] },
    within: { type: 'string', default: '60' },
    screenshot: { type: 'string' },
  },
});
const [url] = positionals;
const timeout = Number(values.within) * 1000;
const troubles = [];
const expect = (condition, trouble) => {
  if (!condition) troubles.push(trouble);
};

const browser = await launchBrowser();
try {
  const page = await browser.newPage();
  page.on('console', (message) => expect(!['error', 'warning'].includes(message.type()), `console: ${message.text()}`));
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  await page.goto(url, { timeout });
  const shows = (name) => page.waitForFunction((wanted) => window.livedir?.shownCaptions === wanted && window.livedir.captions.join() === 'CC1,CC3', name, { timeout });
  await shows(null);
  await page.locator('#captions').waitFor({ timeout });
  expect((await modes(page)) === 'CC1 hidden, CC3 hidden', `at first: ${await modes(page)}`);
  await page.keyboard.press('c');
  await shows('CC1');
  expect((await modes(page)) === 'CC1 showing, CC3 hidden', `after c: ${await modes(page)}`);
  for (const text of values.says) await page.waitForFunction(isOnTheScreen, text, { timeout, polling: 50 });
  if (values.screenshot) await page.screenshot({ path: values.screenshot });
  await page.click('#captions');
  await shows('CC3');
  await page.reload({ timeout });
  await shows('CC3');
  expect((await modes(page)) === 'CC1 hidden, CC3 showing', `after a reload: ${await modes(page)}`);
  await page.keyboard.press('c');
  await shows(null);
  expect((await modes(page)) === 'CC1 hidden, CC3 hidden', `off again: ${await modes(page)}`);
} catch (error) {
  troubles.push(error.message.split('\n')[0]);
}
await browser.close();
process.stdout.write(`${JSON.stringify({ event: troubles.length === 0 ? 'ok' : 'failed', troubles })}\n`);
process.exitCode = troubles.length === 0 ? 0 : 1;

/** In the page: whether a cue with this text is on the screen. */
function isOnTheScreen(text) {
  const showing = [...document.querySelector('video').textTracks].filter(({ mode }) => mode === 'showing');
  const active = showing.flatMap(({ activeCues }) => [...(activeCues ?? [])]);
  return active.some((cue) => cue.text.includes(text));
}

function modes(page) {
  return page.evaluate(() => {
    const tracks = [...document.querySelector('video').textTracks].filter(({ kind }) => kind === 'captions');
    return tracks.map(({ label, mode }) => `${label} ${mode}`).sort().join(', ');
  });
}
