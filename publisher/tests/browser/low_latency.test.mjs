// The page's choice between the fast and the smooth list, and how it keeps up with the live edge.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lowLatencyAddress } from '../../../webroot/player/address.js';
import { KeepUp } from '../../../webroot/player/keep_up.js';
import { initialPace, isLookDue, isLookNeeded, looked, repaired, wished } from '../../../webroot/player/pace.js';

const LIST = { last: 10, ended: false };
const HOLDS = { blocks: true, fast: LIST, smooth: LIST };
const STATIC = { blocks: false, fast: LIST, smooth: LIST };

function check(seen, expected, wish = 'fast') {
  const { playing, isThere } = looked(initialPace(wish), seen, 0);
  assert.deepEqual({ playing, isThere }, expected);
}

test('the fast list is played where the server holds requests', () => {
  check(HOLDS, { playing: 'fast', isThere: true });
  check({ ...HOLDS, smooth: null }, { playing: 'fast', isThere: true });
  check({ ...HOLDS, fast: { last: 9, ended: false } }, { playing: 'fast', isThere: true });
});

test('a static server, a missing list and one that was left behind lead to the smooth one', () => {
  check(STATIC, { playing: 'smooth', isThere: false });
  check({ ...HOLDS, fast: null }, { playing: 'smooth', isThere: false });
  check({ ...HOLDS, fast: { last: 8, ended: false } }, { playing: 'smooth', isThere: false });
  check({ ...HOLDS, fast: { last: 10, ended: true } }, { playing: 'smooth', isThere: false });
});

test('a viewer who wishes it smooth gets it so, and may choose', () => {
  check(HOLDS, { playing: 'smooth', isThere: true }, 'smooth');
  const pace = looked(initialPace('smooth'), HOLDS, 0);
  assert.equal(wished(pace, 'fast').playing, 'fast');
  assert.equal(wished(wished(pace, 'fast'), 'smooth').playing, 'smooth');
  assert.equal(wished(looked(initialPace('smooth'), STATIC, 0), 'fast').playing, 'smooth');
});

test('a server that is away changes nothing', () => {
  const fast = looked(initialPace('fast'), HOLDS, 0);
  assert.equal(looked(fast, { blocks: false, fast: null, smooth: null }, 1).playing, 'fast');
});

test('when the holding server goes and the other stays, the smooth list is played until it is back', () => {
  const fast = looked(initialPace('fast'), HOLDS, 0);
  assert.ok(isLookNeeded(fast, { phase: 'open', fault: 'network' }));
  const smooth = looked(fast, { blocks: false, fast: null, smooth: LIST }, 1000);
  assert.equal(smooth.playing, 'smooth');
  const open = { phase: 'open', fault: null };
  assert.ok(!isLookDue(smooth, open, 30_000) && isLookDue(smooth, open, 31_000));
  assert.equal(looked(smooth, HOLDS, 31_000).playing, 'fast');
});

test('good playing is not asked about, and smooth playing ever more seldom', () => {
  const open = { phase: 'open', fault: null };
  const fast = looked(initialPace('fast'), HOLDS, 0);
  assert.ok(!isLookNeeded(fast, open) && !isLookDue(fast, open, 1e9));
  assert.ok(isLookNeeded(fast, { phase: 'waiting', fault: null }));
  let pace = initialPace('fast');
  const looks_s = [];
  for (let second = 0; second < 3600; second += 1) {
    if (!isLookDue(pace, open, second * 1000)) continue;
    looks_s.push(second);
    pace = looked(pace, STATIC, second * 1000);
  }
  assert.deepEqual(looks_s.slice(0, 6), [0, 60, 180, 420, 720, 1020]);
});

test('a fast list on which the player is mended again and again is left alone for a while', () => {
  let pace = looked(initialPace('fast'), HOLDS, 0);
  for (const at_ms of [0, 100_000, 200_000]) pace = repaired(pace, at_ms);
  assert.equal(pace.playing, 'fast', 'now and then is borne');
  for (const at_ms of [300_000, 301_000, 302_000]) pace = repaired(pace, at_ms);
  assert.equal(pace.playing, 'smooth');
  assert.equal(looked(pace, HOLDS, 310_000).playing, 'smooth');
  assert.equal(looked(pace, HOLDS, 332_000).playing, 'fast');
  assert.equal(wished(pace, 'fast').playing, 'fast', 'who asks by hand is not refused');
  assert.deepEqual(repaired(pace, 310_000), pace, 'repairs of the smooth list say nothing of the fast one');
});

test('the fast list lies beside the page, unless the page was told what to play', () => {
  const page = 'https://here.test/cam/';
  assert.equal(lowLatencyAddress('', page), 'https://here.test/cam/ll.m3u8');
  assert.equal(lowLatencyAddress('?src=https://else.test/a.m3u8', page), 'https://here.test/cam/ll.m3u8');
  assert.equal(lowLatencyAddress('?src=other/a.m3u8', page), null);
});

const CLOSE = { now_ms: 0, behind_s: 0, hold_back_s: 0.6, byChoice: false, ahead_s: 0.6, part_s: 0.2, target_s: 2, stalls: 0 };

test('who is behind plays faster, the more so the farther, and never much', () => {
  const rate = (at) => new KeepUp('fast').rate({ ...CLOSE, ...at });
  assert.deepEqual([0, 0.05, 0.4, 1, 9].map((behind_s) => rate({ behind_s })), [1, 1, 1.2, 1.5, 1.5]);
  assert.equal(rate({ behind_s: -0.3 }), 0.95, 'who is too close lets the stock grow');
  assert.equal(rate({ behind_s: 0.4, ahead_s: 0.25 }), 1, 'without a stock nothing is hurried');
  assert.equal(rate({ behind_s: 9, byChoice: true }), 1);
  assert.equal(rate({ behind_s: null }), 1);
  assert.equal(rate({ behind_s: 0.2, hold_back_s: 0.3 }), 1, 'half a second is near enough');
});

test('a stall asks for more distance, and calm gives it back', () => {
  const keepUp = new KeepUp('fast');
  const rate = (at) => keepUp.rate({ ...CLOSE, ...at });
  assert.equal(rate({ behind_s: 0.2, stalls: 1 }), 1, 'one part more is where it should be now');
  assert.equal(rate({ behind_s: 0, stalls: 1, now_ms: 10_000 }), 0.95);
  assert.ok(rate({ behind_s: 0.2, stalls: 1, now_ms: 31_000 }) > 1);
  for (let stalls = 2; stalls < 40; stalls += 1) rate({ stalls, now_ms: 31_000 });
  assert.ok(rate({ behind_s: 2.2, stalls: 39, now_ms: 31_000 }) > 1, 'the distance has an end');
});
