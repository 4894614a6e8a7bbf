// The driver's judge: it must let good playback pass and fail everything else.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Judge } from './judge.mjs';

const ASKED = {
  seconds: 15, startWithin_s: 20, resumeWithin_s: 30, untilRestart: false, mode: 'hls.js', pace: 'smooth', size: { width: 320, height: 240 },
  patience_s: 0, medianLatency_s: Infinity, leastFps: 0,
};

/** Looks four times a second at a page that plays `speed` seconds a second, until the verdict or `seconds` have gone by. */
function watch(judge, page, seconds, { speed = 1, ...changed } = {}) {
  Object.assign(page, changed);
  const lines = [];
  for (let look = 0; look < seconds * 4 && judge.verdict === null; look += 1) {
    page.now_ms += 250;
    page.currentTime += speed / 4;
    page.decoded += (page.decodes_fps ?? 20) * speed / 4;
    page.wallClock_ms = 1e12 + page.now_ms;
    lines.push(...judge.see({ ...page, shownDate: new Date(page.filmed_ms ?? page.wallClock_ms - 6000).toISOString() }));
  }
  return lines.map((line) => line.event);
}

const newPage = () => ({ now_ms: 0, currentTime: 0, decoded: 0, stalls: 0, state: 'live', mode: 'hls.js', pace: 'smooth', latency_s: 6, width: 320, height: 240 });

function check(asked, page, playback, expected) {
  const judge = new Judge({ ...ASKED, ...asked });
  for (const [seconds, changed] of playback) watch(judge, page, seconds, changed);
  assert.equal(judge.verdict?.reason ?? judge.verdict?.event, expected);
}

test('smooth playback of the right size passes', () => {
  check({}, newPage(), [[3, { speed: 0 }], [18, {}]], 'ok');
  check({}, newPage(), [[18, { speed: 1.05 }]], 'ok');
});

test('frames that are left out fail, and only where so many were asked for', () => {
  check({ leastFps: 19 }, newPage(), [[18, {}]], 'ok');
  check({ leastFps: 19 }, newPage(), [[18, { decodes_fps: 2 }]], '2.0 frames were decoded for a second of picture, not 19');
  check({}, newPage(), [[18, { decodes_fps: 2 }]], 'ok');
});

test('playback that is shorter than asked for has no verdict yet', () => {
  check({}, newPage(), [[14, {}]], undefined);
});

test('a picture that never moves fails', () => {
  check({}, newPage(), [[30, { speed: 0, state: 'waiting' }]], 'the picture did not move within 20 s; the page says waiting');
});

test('a stall, a freeze, a slow picture, a wrong size and a wrong player fail', () => {
  check({}, newPage(), [[5, {}], [20, { stalls: 1 }]], 'the picture stalled at 5.25 s');
  check({}, newPage(), [[5, {}], [20, { speed: 0 }]], 'the picture froze at 5 s');
  check({}, newPage(), [[18, { speed: 0.8 }]], '12.0 s of picture in 15.0 s');
  check({}, newPage(), [[18, { width: 640 }]], 'the picture is 640x240, not 320x240');
  check({}, newPage(), [[18, { mode: 'native' }]], 'the page plays through native, not hls.js');
});

test('a wrong list and a picture that is too late fail', () => {
  check({ pace: 'fast' }, newPage(), [[18, {}]], 'the page plays the smooth list, not the fast one');
  check({ medianLatency_s: 2 }, newPage(), [[18, {}]], '6 s behind the camera, not at most 2 s');
  check({ medianLatency_s: 2 }, newPage(), [[18, { latency_s: 0.8 }]], 'ok');
});

test('with patience, disturbed playback begins again, and has to be whole once', () => {
  check({ patience_s: 30 }, newPage(), [[5, {}], [3, { speed: 0 }], [14, { speed: 1 }]], undefined);
  check({ patience_s: 30 }, newPage(), [[5, {}], [3, { speed: 0 }], [20, { speed: 1 }]], 'ok');
  const everyFiveSeconds = Array.from({ length: 12 }, (_, stalls) => [5, { stalls }]);
  check({ patience_s: 30 }, newPage(), everyFiveSeconds, 'the picture stalled at 30.25 s');
});

test('after a restart only pictures filmed since then count', () => {
  const judge = new Judge({ ...ASKED, untilRestart: true });
  const page = newPage();
  assert.ok(watch(judge, page, 18).includes('ready-for-restart'));
  watch(judge, page, 4);
  judge.restarted({ ...page });
  watch(judge, page, 5);
  assert.equal(judge.verdict, null, 'still pictures from before the restart');
  assert.ok(watch(judge, page, 8).includes('went-on'));
  assert.deepEqual(judge.verdict, { event: 'ok' });
});

test('a page that does not go on after a restart fails', () => {
  const judge = new Judge({ ...ASKED, untilRestart: true });
  const page = newPage();
  watch(judge, page, 18);
  judge.restarted({ ...page });
  watch(judge, page, 60, { speed: 0, state: 'reconnecting' });
  assert.equal(judge.verdict.reason, 'no picture filmed after the restart within 30 s; the page says reconnecting');
});

test('a restart that nobody will tell of is not waited for', () => {
  const judge = new Judge({ ...ASKED, untilRestart: true });
  judge.noMoreNews(newPage());
  assert.equal(judge.verdict.reason, 'stdin was closed before restart-done came');
  const told = new Judge({ ...ASKED, untilRestart: true });
  told.restarted(newPage());
  told.noMoreNews(newPage());
  assert.equal(told.verdict, null);
});

test('to quit before the asked-for playback was seen is a failure', () => {
  const judge = new Judge(ASKED);
  watch(judge, newPage(), 5);
  assert.deepEqual(judge.verdictNow(), { event: 'failed', reason: 'asked to quit while playing' });
});
