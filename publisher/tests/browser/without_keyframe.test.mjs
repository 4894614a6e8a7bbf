import assert from 'node:assert/strict';
import { test } from 'node:test';

import { WithoutKeyframe } from './without_keyframe.mjs';

const samples = (...dates) => dates.map((filmedDate, i) => ({ now_ms: 100 * i, currentTime: 1 + i / 10, filmedDate }));
const seen = (allowed_ms, all) => {
  const pictures = new WithoutKeyframe(allowed_ms);
  return all.map((sample) => pictures.see(sample)).filter((it) => it !== null);
};

test('one is a fault where none is allowed', () => {
  assert.deepEqual(seen(0, samples('a', null)), [{ lasted_ms: 0, isFault: true }]);
});

test('a short time is told, a long one is a fault', () => {
  assert.deepEqual(seen(250, samples('a', null, null, 'b', null)), [{ lasted_ms: 200, isFault: false }]);
  assert.deepEqual(seen(250, samples('a', null, null, null, null)), [{ lasted_ms: 300, isFault: true }]);
});

test('while there is no picture none is shown, and what comes behind it counts on', () => {
  assert.deepEqual(seen(250, samples('a', null, undefined, undefined, undefined, 'b')), [{ lasted_ms: 100, isFault: false }]);
  assert.deepEqual(seen(250, samples('a', null, undefined, undefined, null, null, 'b')), [{ lasted_ms: 300, isFault: true }]);
});

test('one that stands still is one, unless nothing has moved yet', () => {
  const still = (sample) => ({ ...sample, currentTime: 0 });
  assert.deepEqual(seen(0, samples(null, null).map(still)), []);
  assert.deepEqual(seen(50, [...samples(null), { now_ms: 60, currentTime: 1, filmedDate: null }]), [{ lasted_ms: 60, isFault: true }]);
});

test('what cannot be looked at is none', () => {
  assert.deepEqual(seen(0, samples('a', undefined, undefined, 'b')), []);
});
