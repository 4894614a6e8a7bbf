// What someone sees who opens the page for the first time, in a headless Chromium.
//
//   node first_look.mjs URL [--pace fast] [--console-only] [--within 60] [--screenshot FILE]
//
// The page of a live stream has to play the list that --pace names without one error in its console. Without --console-only also:
// axe-core finds nothing; `?` lists the keys; the frame rate is that of the stream while the player catches up; without
// JavaScript the stream plays or can be opened elsewhere; what only an operator can do is not told to a viewer, and a missing
// hls.js is told in the console.
// Each wait lasts at most WITHIN seconds.
//
// stdout: one JSON line {event: ok | failed, troubles}; exit status 0 or 1.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

// Of the test pattern.
const FPS = 20;
// A name that is not this machine's, for the browser alone.
const ELSEWHERE = 'livedir.test';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pace: { type: 'string', default: 'fast' },
    'console-only': { type: 'boolean', default: false },
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

const browser = await launchBrowser([`--host-resolver-rules=MAP ${ELSEWHERE} 127.0.0.1`]);
try {
  const page = await browser.newPage();
  await loadsWithoutAnError(page);
  if (!values['console-only']) {
    await isAccessible(page, 'while it plays');
    await listsItsKeys(page);
    await saysTheRateOfTheStream(page);
    await page.close();
    await playsWithoutJavaScript();
    await keepsOperatorsWordsFromViewers();
    await tellsOfMissingHlsJs();
  }
} catch (error) {
  troubles.push(error.message.split('\n')[0]);
}
await browser.close();
process.stdout.write(`${JSON.stringify({ event: troubles.length === 0 ? 'ok' : 'failed', troubles })}\n`);
process.exitCode = troubles.length === 0 ? 0 : 1;

async function loadsWithoutAnError(page) {
  page.on('console', (message) => expect(!['error', 'warning'].includes(message.type()), `console: ${message.text()} ${message.location().url}`));
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  page.on('response', (response) => expect(response.status() < 400, `${response.status()} ${response.url()}`));
  await page.goto(url, { timeout });
  await page.waitForFunction((pace) => window.livedir?.pace === pace && window.livedir.state === 'live', values.pace, { timeout });
  await movesOn(page, 2);
}

async function movesOn(page, seconds) {
  const from_s = await page.evaluate(() => window.livedir.currentTime);
  await page.waitForFunction((until_s) => window.livedir.currentTime >= until_s, from_s + seconds, { timeout });
}

async function isAccessible(page, when) {
  // What the driver evaluates is no script of the page, which forbids those of others.
  await page.evaluate(await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8'));
  const { violations } = await page.evaluate(() => window.axe.run());
  for (const { id, help, nodes } of violations) troubles.push(`axe-core, ${when}: ${id}: ${help}: ${nodes[0].html}`);
}

async function listsItsKeys(page) {
  const isOpen = () => page.evaluate(() => document.getElementById('help').open);
  const isMuted = () => page.evaluate(() => document.querySelector('video').muted);
  await page.keyboard.press('?');
  expect(await isOpen(), '? shows no help');
  expect(await page.locator('#captions').isHidden(), 'captions are offered where there are none');
  await isAccessible(page, 'with its help');
  if (values.screenshot) await page.screenshot({ path: values.screenshot });
  const listed = await page.locator('#help kbd').allTextContents();
  const all = ['Space', 'K', 'M', 'C', 'F', 'D', 'L', 'End', '?', 'Esc'];
  expect(listed.join() === all.join(), `the help lists the keys ${listed}`);
  const before = await isMuted();
  await page.keyboard.press('m');
  expect((await isMuted()) === before, 'a key acts behind the help');
  await page.keyboard.press('Escape');
  expect(!(await isOpen()), 'the help stays');
  await page.keyboard.press('m');
  expect((await isMuted()) !== before, 'm does not turn the sound on');
  await page.keyboard.press('?');
  await page.keyboard.press('?');
  expect(!(await isOpen()), 'a second ? does not close the help');
  await page.click('#keys');
  expect(await isOpen(), 'the button shows no help');
  await page.click('#help button');
  expect(!(await isOpen()), 'its button does not close the help');
}

async function saysTheRateOfTheStream(page) {
  await page.waitForFunction(() => window.livedir.fps !== null, null, { timeout });
  await page.evaluate(() => {
    document.querySelector('video').currentTime -= 2;
  });
  await page.waitForFunction(() => document.querySelector('video').playbackRate > 1.2, null, { timeout });
  const highest = await page.evaluate(async (seconds) => {
    let fps = 0;
    for (const until_ms = performance.now() + seconds * 1000; performance.now() < until_ms;) {
      fps = Math.max(fps, window.livedir.fps ?? 0);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    return fps;
  }, 9);
  // A busy machine may show fewer, and none shows more than there are.
  expect(highest > FPS / 2 && highest < FPS * 1.08, `${highest} fps of a stream with ${FPS}`);
}

async function playsWithoutJavaScript() {
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(url, { timeout });
  const video = page.locator('#plain video');
  await video.waitFor({ timeout });
  expect(!(await page.locator('#stage').isVisible()), 'the empty player is seen without JavaScript');
  const plays = await video.evaluate((it) => it.canPlayType('application/vnd.apple.mpegurl') !== '');
  const link = await page.locator('#plain a').evaluate((it) => it.href);
  const list = await page.request.get(link);
  expect((await list.text()).startsWith('#EXTM3U'), `${link} is no playlist`);
  if (plays) {
    const until_ms = performance.now() + timeout;
    const time_s = () => video.evaluate((it) => it.currentTime);
    while ((await time_s()) < 1 && performance.now() < until_ms) await page.waitForTimeout(200);
    expect((await time_s()) >= 1, 'without JavaScript the picture does not move');
  }
  await context.close();
}

async function keepsOperatorsWordsFromViewers() {
  const said = [];
  const page = await browser.newPage();
  page.on('console', (message) => said.push(message.text()));
  await page.route(/\.m3u8/, (route) => route.fulfill({ status: 404 }));
  const open = async (address) => {
    await page.goto(address, { timeout });
    await page.waitForFunction(() => window.livedir?.state === 'waiting', null, { timeout });
    return page.locator('main').innerText();
  };
  expect((await open(url)).includes('just live'), 'an operator is not told how to start a stream');
  const there = new URL(url);
  there.hostname = ELSEWHERE;
  said.length = 0;
  const words = await open(there.href);
  expect(words.includes('No stream yet') && !words.includes('just'), `a viewer reads: ${words}`);
  expect(said.some((text) => text.includes('just live')), 'an operator finds nothing in the console');
  await page.close();
}

/** In a browser that plays HLS itself, the page plays on, and nobody sees why it is slower. */
async function tellsOfMissingHlsJs() {
  const said = [];
  const page = await browser.newPage();
  page.on('console', (message) => said.push(message.text()));
  await page.addInitScript(() => {
    HTMLMediaElement.prototype.canPlayType = () => 'maybe';
  });
  const open = async () => {
    said.length = 0;
    await page.goto(url, { timeout });
    await page.waitForFunction(() => window.livedir !== undefined, null, { timeout });
    return said.some((text) => text.startsWith('livedir: hls.js is not installed'));
  };
  expect(!(await open()), 'the console says that hls.js is missing, and it is there');
  await page.route(/hls\.min\.js/, (route) => route.fulfill({ status: 404 }));
  expect(await open(), 'the console does not say that hls.js is missing');
  expect(!(await page.locator('main').innerText()).includes('hls.js'), 'a viewer reads of hls.js');
  await page.close();
}
