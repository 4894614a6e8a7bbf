// The clock of the test pattern, as strip.mjs reads it.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripClock_ms } from './strip.mjs';

const FILMED_MS = 1_795_000_123_456;

/** As the pattern draws it, black and white as video has them. */
function cells(unix_ms, mark = 0b1011_0010n) {
  const strip = (mark << 56n) | ((BigInt(unix_ms) & 0xff_ffff_ffffn) << 16n) | 777n;
  return Array.from({ length: 64 }, (_, cell) => ((strip >> BigInt(63 - cell)) & 1n ? 235 : 16));
}

function check(unix_ms, near_ms) {
  assert.equal(stripClock_ms(cells(unix_ms), near_ms), unix_ms);
}

test('the clock is read to the millisecond', () => {
  check(FILMED_MS, FILMED_MS + 900);
  check(FILMED_MS, FILMED_MS - 900);
});

test('where the strip begins anew the nearest time is taken', () => {
  const round_ms = 2 ** 40;
  check(2 * round_ms - 1, 2 * round_ms + 500);
  check(2 * round_ms, 2 * round_ms - 500);
});

test('another picture has no clock', () => {
  assert.equal(stripClock_ms(cells(FILMED_MS, 0b1111_0010n), FILMED_MS), null);
  assert.equal(stripClock_ms(new Array(64).fill(0), FILMED_MS), null);
  assert.equal(stripClock_ms([], FILMED_MS), null);
});
