// The sound of a ladder, which hls.js itself stops loading when the browser rounds the end of its buffer down.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Hls from '../../../webroot/player/node_modules/hls.js/dist/hls.mjs';
import { soundThatGoesOn, unrounded_s } from '../../../webroot/player/rounded_end.js';

const END_S = 20.485666;
const Controller = Hls.DefaultConfig.audioStreamController;

const segment = (sn, start, duration) => ({ sn, start, duration, end: start + duration, endDTS: start + duration, level: 0, cc: 13, type: 'audio' });

/** The list as a player knows it that joined segment 50 at its second part, when the first part of 51 has come. */
function joinedInTheMiddle() {
  const fragments = [segment(49, 16.48, 2), segment(50, 18.48, END_S - 18.48)];
  const fragmentHint = segment(51, END_S, 0.192);
  const part = (fragment, start, end, loaded) => ({ fragment, start, end, loaded, gap: false });
  const partList = [part(fragments[1], 18.48, 18.672, false), part(fragments[1], 18.672, END_S, true), part(fragmentHint, END_S, END_S + 0.192, false)];
  return { fragments, fragmentHint, partList, startSN: 49, endSN: 50, live: true };
}

/** @returns {?number} the segment that is loaded next */
function next(Controller, bufferEnd_s) {
  const controller = Object.assign(Object.create(Controller.prototype), {
    config: { maxFragLookUpTolerance: 0.25 }, loadingParts: true, startFragRequested: true, lastCurrentTime: 19,
    // The list has been read again since: another object.
    fragPrevious: segment(50, 18.48, END_S - 18.48), fragmentTracker: { getState: ({ sn }) => (sn === 50 ? 'OK' : 'NOT_LOADED') },
  });
  return controller.getFragmentAtPosition(bufferEnd_s, END_S + 0.192, joinedInTheMiddle())?.sn ?? null;
}

test('the next segment is loaded after an end that the browser has rounded down', () => {
  for (const rounded_s of [0, 0.000001, 0.000002, 0.000016, 0.00002]) assert.equal(next(soundThatGoesOn(Controller), END_S - rounded_s), 51, `${rounded_s}`);
});

test('hls.js itself is still in need of that', () => {
  assert.equal(next(Controller, END_S - 0.000016), 50);
});

test('an end that is none of a part stays what it is', () => {
  const { partList } = joinedInTheMiddle();
  for (const at_s of [18.672, 19, END_S - 0.02, END_S, END_S + 0.192 - 0.000016, 30]) assert.equal(unrounded_s(at_s, partList), at_s);
  assert.equal(unrounded_s(19, []), 19);
});
