// A stream of sound alone on the page: it plays, it is heard when the viewer asks for it, and bars show how loud it is.
//
//   node sound_alone.mjs URL [--within 60] [--screenshot FILE]
//
// Each wait lasts at most WITHIN seconds.
// stdout, one JSON object a line: {event: seen, …}, then {event: ok} or {event: failed, reason}.

import { parseArgs } from 'node:util';
import { lookAtPage, say } from './browser.mjs';

// Of sound, for it to count as playing.
const PLAYS_FOR_S = 4;

const options = { within: { type: 'string', default: '60' }, screenshot: { type: 'string' } };
const { values, positionals } = parseArgs({ allowPositionals: true, options });
const timeout = Number(values.within) * 1000;
await lookAtPage((page) => look(page, positionals[0]));

async function look(page, url) {
  const troubles = [];
  page.on('pageerror', (error) => troubles.push(error.message));
  await page.goto(url, { timeout });
  await page.waitForFunction(() => window.livedir?.state === 'live' && window.livedir.isSoundAlone, null, { timeout });
  const lowest = await tallestBar(page);
  await page.click('#unmute');
  const from_s = await page.evaluate(() => window.livedir.currentTime);
  await page.waitForFunction((until_s) => window.livedir.currentTime >= until_s, from_s + PLAYS_FOR_S, { timeout });
  await page.waitForFunction(highBars, 0.3, { timeout });
  if (values.screenshot) await page.screenshot({ path: values.screenshot });
  const seen = await page.evaluate(() => ({
    state: window.livedir.state,
    muted: window.livedir.muted,
    stalls: window.livedir.stalls,
    size: document.getElementById('fact-size').textContent,
    words: document.querySelector('main').innerText.toLowerCase(),
    meter: document.getElementById('meter').getAttribute('aria-label'),
  }));
  say({ event: 'seen', lowest, ...seen });
  await page.click('#sound');
  await page.waitForFunction(() => window.livedir.muted, null, { timeout });
  await page.click('#play');
  await page.waitForFunction(() => window.livedir.state === 'paused', null, { timeout });
  const reason = [
    [troubles.length > 0, troubles[0]],
    [lowest > 0.1, 'bars of what is not heard'],
    [seen.muted || seen.state !== 'live', 'it is not heard'],
    [seen.words.includes('picture'), 'it speaks of a picture'],
    [seen.size !== 'Sound only', `it says ${seen.size}`],
  ].find(([isSo]) => isSo);
  return reason ? { event: 'failed', reason: reason[1] } : { event: 'ok' };
}

/** @returns {Promise<number>} the height of the tallest bar, as a part of the room for it */
function tallestBar(page) {
  return page.evaluate(heightOfBars);
}

function heightOfBars() {
  const canvas = document.getElementById('meter');
  if (canvas.hidden || canvas.width === 0) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  let rows = 0;
  for (let row = 0; row < canvas.height; row++) {
    const isPainted = data.subarray(row * canvas.width * 4, (row + 1) * canvas.width * 4).some((value) => value > 0);
    rows += isPainted ? 1 : 0;
  }
  return rows / canvas.height;
}

function highBars(least) {
  const canvas = document.getElementById('meter');
  if (canvas.hidden || canvas.width === 0) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const row = Math.floor(canvas.height * (0.5 - least / 2));
  return data.subarray(row * canvas.width * 4, (row + 1) * canvas.width * 4).some((value) => value > 0);
}
