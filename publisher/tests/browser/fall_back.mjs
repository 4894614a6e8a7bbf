// The fast list comes to grief while the smooth one stays, as with nginx in front of a server that has gone; then it is back.
//
//   node fall_back.mjs URL [--within 45]
//
// The page plays the fast list; then everything of it is answered with 502, and the page has to play the smooth one; then it
// is served again, and the page has to return to it. Each of the three is waited for at most WITHIN seconds.
//
// stdout: one JSON line {event: ok, fast_s, smooth_s, fast_again_s, repairs} or {event: failed, reason}; exit status 0 or 1.

import { parseArgs } from 'node:util';
import { lookAtPage } from './browser.mjs';

// The list, and the parts that only it names.
const FAST_LIST = /\/ll\.m3u8(\?|$)|\.p\d+\.ts$/;
// Of picture, for it to count as playing.
const PLAYS_FOR_S = 3;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { within: { type: 'string', default: '45' } } });
const timeout = Number(values.within) * 1000;
await lookAtPage((page) => fallBack(page, positionals[0]));

async function fallBack(page, url) {
  await page.goto(url, { timeout });
  const fast_s = await plays(page, 'fast');
  await page.route(FAST_LIST, (route) => route.fulfill({ status: 502 }));
  const smooth_s = await plays(page, 'smooth');
  await page.unroute(FAST_LIST);
  const fast_again_s = await plays(page, 'fast');
  return { event: 'ok', fast_s, smooth_s, fast_again_s, repairs: await page.evaluate(() => window.livedir.recoveries) };
}

/** @returns {Promise<number>} seconds until the list of this pace began to play */
async function plays(page, pace) {
  const began_ms = performance.now();
  await page.waitForFunction((wanted) => window.livedir?.pace === wanted && window.livedir.state === 'live', pace, { timeout });
  const waited_s = (performance.now() - began_ms) / 1000;
  const from_s = await page.evaluate(() => window.livedir.currentTime);
  const isFurther = ([wanted, until_s]) => window.livedir.pace === wanted && window.livedir.currentTime >= until_s;
  await page.waitForFunction(isFurther, [pace, from_s + PLAYS_FOR_S], { timeout });
  return Number(waited_s.toFixed(1));
}
