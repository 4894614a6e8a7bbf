// A pause that the browser makes by itself is not the viewer's: the page plays again. The viewer's own pause stays one.
//
//   node pauses.mjs URL [--within 60] [--stays 3]
//
// The browser pauses when the first picture is there, before it moves; then it turns the sound on and pauses, while the picture
// moves. Each time the page has to go on without sound. Then the viewer presses the space bar, and the picture has to stand until
// it is STAYS seconds older. Everything is waited for at most WITHIN seconds.
//
// stdout: one JSON line {event: ok} or {event: failed, reason}; exit status 0 or 1.

import { parseArgs } from 'node:util';
import { lookAtPage } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { within: { type: 'string', default: '60' }, stays: { type: 'string', default: '3' } },
});
const timeout = Number(values.within) * 1000;
await lookAtPage((page) => pauses(page, positionals[0], Number(values.stays)));

async function pauses(page, url, stays_s) {
  await page.addInitScript(() => {
    document.addEventListener('loadeddata', ({ target }) => {
      window.pausedAt_s = target.currentTime;
      target.pause();
    }, { capture: true, once: true });
  });
  await page.goto(url, { timeout });
  await page.waitForFunction(() => window.pausedAt_s !== undefined, null, { timeout });
  await goesOn(page, 'after a pause before the first picture moved');

  await page.evaluate(() => {
    const video = document.getElementById('video');
    video.muted = false;
    video.pause();
    window.pausedAt_s = video.currentTime;
  });
  await goesOn(page, 'after a pause with the sound turned on');

  await page.keyboard.press(' ');
  await page.waitForFunction(() => window.livedir.state === 'paused', null, { timeout });
  const paused = await page.evaluate(() => ({ ...window.livedir }));
  await page.waitForFunction(
    ([at_s, until_s]) => window.livedir.currentTime !== at_s || window.livedir.latency_s >= until_s,
    [paused.currentTime, paused.latency_s + stays_s], { timeout },
  );
  const { state, currentTime } = await page.evaluate(() => ({ ...window.livedir }));
  if (state !== 'paused' || currentTime !== paused.currentTime) return { event: 'failed', reason: `the viewer paused, and the page is ${state}` };
  return { event: 'ok' };
}

async function goesOn(page, when) {
  const isOn = () => {
    const { state, muted, currentTime } = window.livedir;
    return state === 'live' && muted && currentTime > window.pausedAt_s + 1;
  };
  await page.waitForFunction(isOn, null, { timeout }).catch(async () => {
    throw new Error(`the page is ${await page.evaluate(() => window.livedir.state)} ${when}`);
  });
}
