// Captions near the live edge, which hls.js itself forgets at each part, and hands out when they leave the screen.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import Hls from '../../../webroot/player/node_modules/hls.js/dist/hls.mjs';
import { captionsInTime } from '../../../webroot/player/caption_parts.js';
import { CaptionTracks } from '../../../webroot/player/caption_tracks.js';

const Controller = Hls.DefaultConfig.timelineController;

/** Before which of these the parsers are reset: `[segment, part, timeline]` each; without a part it is a whole segment. */
function resets(Controller, loads) {
  let count = 0;
  const parser = { reset: () => { count += 1; } };
  const controller = Object.assign(Object.create(Controller.prototype), {
    enabled: true, config: { enableCEA708Captions: true }, cea608Parser1: parser, cea608Parser2: { reset() {} }, lastSn: -1, lastPartIndex: -1, lastCc: -1,
    closedCaptionsForLevel: () => undefined,
  });
  return loads.filter(([sn, index, cc = 0]) => {
    const before = count;
    controller.onFragLoading('hlsFragLoading', { frag: { type: 'main', sn, cc, level: 0 }, part: index === null ? undefined : { index } });
    return count > before;
  }).map(([sn, index]) => `${sn}.${index ?? ''}`);
}

const IN_ORDER = [[5, 3], [5, 4], [6, 0], [6, 1], [6, 2], [7, null], [8, 0], [8, 1]];

test('parts and segments that follow each other are read as one', () => {
  assert.deepEqual(resets(captionsInTime(Controller), IN_ORDER), ['5.3']);
});

test('what does not follow is read anew', () => {
  const jumps = [[5, 0], [5, 1], [5, 3], [7, 0], [7, 1, 1], [7, 2, 1], [7, 1, 1]];
  assert.deepEqual(resets(captionsInTime(Controller), jumps), ['5.0', '5.3', '7.0', '7.1', '7.1']);
});

test('hls.js itself is still in need of that', () => {
  assert.ok(resets(Controller, IN_ORDER).length > 1);
});

test('a build of hls.js without captions stays without', () => {
  assert.equal(captionsInTime(undefined), undefined);
});

// Pairs of CEA-608: roll-up of two lines, and letters.
const ROLL_UP = [0x14, 0x25, 0x14, 0x2d];
const letters = (text) => Array.from(text, (letter) => letter.charCodeAt(0));
const ERASE = [0x14, 0x2c];

/** `cc_data()` of pairs of field 1, as hls.js hands it to its controller. */
function userData(pts, bytes) {
  const pairs = Array.from({ length: bytes.length / 2 }, (_, n) => [0xfc, bytes[2 * n], bytes[2 * n + 1]]);
  return { pts, bytes: Uint8Array.from([0xc0 | pairs.length, 0xff, ...pairs.flat()]) };
}

/** What is handed out after each of these parts, as `start-end text`. */
function handedOut(Controller, parts) {
  const out = [];
  const controller = Object.assign(Object.create(Controller.prototype), {
    enabled: true, config: { enableCEA708Captions: true }, closedCaptionsForLevel: () => undefined, createCaptionsTrack() {},
    addCues: (_, start_s, end_s, screen) => out.at(-1).push(`${start_s}-${end_s} ${screen.getDisplayText().replaceAll("'", '')}`),
  });
  for (const samples of parts) {
    out.push([]);
    controller.onFragParsingUserdata('hlsFragParsingUserdata', { frag: { type: 'main' }, samples });
  }
  return out.map((cues) => cues.map((cue) => cue.replaceAll(/[[\]]/g, '').trim()));
}

const PARTS = [
  [userData(1, [...ROLL_UP, ...letters('HELLO ')]), userData(1.1, [])],
  [userData(1.2, []), userData(1.3, [])],
  [userData(1.4, ERASE), userData(1.5, [])],
  [userData(1.6, [])],
];

test('what is on the screen is handed out at the end of each part', () => {
  assert.deepEqual(handedOut(captionsInTime(Controller), PARTS), [['1-1.1 HELLO'], ['1.1-1.3 HELLO'], ['1.3-1.4 HELLO'], []]);
});

test('hls.js itself hands it out when it has left', () => {
  assert.deepEqual(handedOut(Controller, PARTS).map((cues) => cues.length), [0, 0, 1, 0]);
});

/** A text track as browsers have them, as far as it is needed. */
function fakeVideo() {
  const video = {
    currentTime: 0, textTracks: [],
    addTextTrack(kind, label) {
      const track = { kind, label, mode: 'hidden', cues: [] };
      track.addCue = (cue) => track.cues.push(cue);
      track.removeCue = (cue) => track.cues.splice(track.cues.indexOf(cue), 1);
      video.textTracks.push(track);
      return track;
    },
  };
  return video;
}

test('pieces of a caption are one cue, which is said once, and let go when it is long past', () => {
  const video = fakeVideo();
  const tracks = new CaptionTracks(video);
  const cue = (startTime, endTime, text, line = 15) => ({ startTime, endTime, text, line, position: 10 });
  const parsed = (...cues) => tracks.parsed({ type: 'captions', track: 'textTrack1', cues });
  parsed(cue(0, 1, 'TOO EARLY'));
  tracks.found({ tracks: [{ _id: 'textTrack1', label: 'CC1', kind: 'captions' }, { _id: 'subtitles0', label: 'English', kind: 'subtitles' }] });
  parsed(cue(1, 1.2, 'HELLO'));
  parsed(cue(1.2, 1.4, 'HELLO'), cue(1.2, 1.4, 'HELLO', 14));
  parsed(cue(1.4, 1.6, 'THERE'));
  parsed(cue(1, 1.2, 'HELLO'));
  const [track] = video.textTracks;
  const said = () => track.cues.map(({ startTime, endTime, text, line }) => `${startTime}-${endTime} ${text} ${line}`);
  assert.deepEqual(said(), ['1-1.4 HELLO 15', '1.2-1.4 HELLO 14', '1.4-1.6 THERE 15']);
  video.currentTime = 31.5;
  parsed(cue(31, 32, 'LATER'));
  assert.deepEqual(said(), ['1.4-1.6 THERE 15', '31-32 LATER 15']);
  tracks.close();
  assert.deepEqual(track.cues, []);
  new CaptionTracks(video).found({ tracks: [{ _id: 'textTrack1', label: 'CC1', kind: 'captions' }] });
  assert.equal(video.textTracks.length, 1, 'the next player fills the same track');
});
