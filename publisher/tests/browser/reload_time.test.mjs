// When the page reads the smooth list again, on simulated clocks.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KeepUp } from '../../../webroot/player/keep_up.js';
import { ReloadTime } from '../../../webroot/player/reload_time.js';

const SEGMENT_MS = 2000;

/**
 * An engine that asks every two seconds for a list that gets a segment every two seconds, `listed_ms` after its end.
 * @returns {{ages_ms: number[], gaps_ms: number[], misses: number}} how old the list's newest segment was at each reading
 */
function readings({ first_ms, listed_ms, wrongBy_ms = 0, segment_s = 2, readings = 12 }) {
  const reloadTime = new ReloadTime();
  const seen = { ages_ms: [], gaps_ms: [], misses: 0 };
  let scheduled_ms = first_ms;
  let before = { at_ms: null, last: null };
  for (let reading = 0; reading < readings; reading += 1) {
    const at_ms = scheduled_ms + reloadTime.wait_ms(scheduled_ms);
    const last = Math.floor((at_ms - listed_ms) / SEGMENT_MS);
    const age_ms = at_ms - last * SEGMENT_MS;
    seen.ages_ms.push(Math.round(age_ms));
    if (before.at_ms !== null) seen.gaps_ms.push(Math.round(at_ms - before.at_ms));
    const isMissed = last === before.last;
    if (isMissed) seen.misses += 1;
    reloadTime.heard({ last, age_s: (age_ms + wrongBy_ms) / 1000, segment_s, now_ms: at_ms });
    before = { at_ms, last };
    // As hls.js plans: the next one from when this one was planned, and at once when that has gone by.
    scheduled_ms = Math.max(at_ms, scheduled_ms + (isMissed ? SEGMENT_MS / 2 : SEGMENT_MS));
  }
  return seen;
}

test('from whenever it begins, the list is soon read just after it has grown', () => {
  for (let phase_ms = 100; phase_ms < 2100; phase_ms += 100) {
    const { ages_ms, misses } = readings({ first_ms: 100_000 + phase_ms, listed_ms: 60 });
    assert.ok(Math.max(...ages_ms.slice(2)) <= 410, `from ${phase_ms} ms: ${ages_ms}`);
    assert.equal(misses, 0, `from ${phase_ms} ms`);
  }
});

test('two readings are never farther apart than two segments, and never nearer than half of one', () => {
  for (const wrongBy_ms of [0, -700, 700, 5000, -86_400_000]) {
    for (let phase_ms = 100; phase_ms < 2100; phase_ms += 100) {
      const { gaps_ms } = readings({ first_ms: 100_000 + phase_ms, listed_ms: 60, wrongBy_ms, readings: 40 });
      assert.ok(Math.max(...gaps_ms) <= 2 * SEGMENT_MS, `${wrongBy_ms}, from ${phase_ms} ms: ${gaps_ms}`);
      assert.ok(Math.min(...gaps_ms) >= SEGMENT_MS / 2, `${wrongBy_ms}, from ${phase_ms} ms: ${gaps_ms}`);
    }
  }
});

test('a list that comes later than thought is asked for later, and seldom in vain', () => {
  for (let phase_ms = 100; phase_ms < 2100; phase_ms += 100) {
    const { ages_ms } = readings({ first_ms: 100_000 + phase_ms, listed_ms: 500, readings: 400 });
    const late = ages_ms.slice(10).filter((age_ms) => age_ms > 1000);
    assert.ok(late.length <= 10, `from ${phase_ms} ms: ${ages_ms}`);
  }
});

test('nothing is put off where nobody knows when the list grows', () => {
  const reloadTime = new ReloadTime();
  assert.equal(reloadTime.wait_ms(0), 0);
  reloadTime.heard({ last: 7, age_s: null, segment_s: 2, now_ms: 1000 });
  assert.equal(reloadTime.wait_ms(3000), 0, 'no dates');
  reloadTime.heard({ last: 8, age_s: 0.9, segment_s: null, now_ms: 3000 });
  assert.equal(reloadTime.wait_ms(5000), 0, 'segments of any length');
  reloadTime.heard({ last: 9, age_s: 0.9, segment_s: 2, now_ms: 5000 });
  assert.equal(reloadTime.wait_ms(7000), 1300);
  assert.equal(reloadTime.wait_ms(8100), 0, 'after an outage');
});

test('the smooth list is caught up with so slowly that nobody hears it, and a stall is remembered long', () => {
  const keepUp = new KeepUp('smooth');
  const at = { now_ms: 0, behind_s: 3, hold_back_s: 5.5, byChoice: false, ahead_s: 5, part_s: 2, target_s: 2, stalls: 0 };
  assert.equal(keepUp.rate(at), 1.05);
  assert.equal(keepUp.rate({ ...at, ahead_s: 2.9 }), 1);
  assert.equal(keepUp.rate({ ...at, behind_s: 1, stalls: 1 }), 0.95, 'a segment more is where it should be now');
  assert.equal(keepUp.rate({ ...at, behind_s: 1, stalls: 1, now_ms: 299_000 }), 0.95);
  assert.equal(keepUp.rate({ ...at, behind_s: 1, stalls: 1, now_ms: 301_000 }), 1.05);
});
