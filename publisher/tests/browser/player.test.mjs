// The page's small pure parts: addresses, clocks, playlists, words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nativeWanted, streamAddress } from '../../../webroot/player/address.js';
import { UNKNOWN, narrowed, offset_ms } from '../../../webroot/player/clock.js';
import { EdgeDate } from '../../../webroot/player/edge_date.js';
import { FrameRate } from '../../../webroot/player/frame_rate.js';
import { firstVariant, readPlaylist } from '../../../webroot/player/playlist.js';
import { announcement, facts, message } from '../../../webroot/player/words.js';

test('src names a playlist on the same origin, and nothing else', () => {
  const check = (search, expected) => assert.equal(streamAddress(search, 'https://here.test/cam/'), `https://here.test${expected}`);
  check('', '/cam/stream.m3u8');
  check('?src=ll.m3u8', '/cam/ll.m3u8');
  check('?src=other/a.m3u8', '/cam/other/a.m3u8');
  for (const bad of ['https://else.test/a.m3u8', '//else.test/a.m3u8', '/\\else.test/a.m3u8', 'javascript:x.m3u8', 'movie.mp4', '', '/a.m3u8']) {
    check(`?src=${encodeURIComponent(bad)}`, '/cam/stream.m3u8');
  }
});

test('native HLS is taken only when asked for', () => {
  assert.deepEqual(['?native=1', '?native=0', ''].map(nativeWanted), [true, false, false]);
});

test('a clock that may be right is not corrected, and a wrong one is', () => {
  const answer = (date_ms, at_ms) => ({ date_ms, sent_ms: at_ms, received_ms: at_ms + 20 });
  assert.equal(offset_ms(UNKNOWN), 0);
  assert.equal(offset_ms(narrowed(UNKNOWN, answer(5000, 5900))), 0);
  // A phone that is a minute late, and learns it more exactly with each answer.
  const once = narrowed(UNKNOWN, answer(65_000, 5900));
  const twice = narrowed(once, answer(66_000, 6010));
  assert.ok(offset_ms(once) <= offset_ms(twice) && offset_ms(twice) <= 60_000 && offset_ms(twice) > 58_000);
  assert.equal(offset_ms(narrowed(twice, answer(6000, 6500))), 0, 'a clock that was set starts anew');
  assert.equal(narrowed(twice, answer(Number.NaN, 1)), twice);
});

test('a playlist tells its reach and the date of its end', () => {
  const text = `#EXTM3U\r
#EXT-X-VERSION:3\r
#EXT-X-TARGETDURATION:2\r
#EXT-X-MEDIA-SEQUENCE:41\r
#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.500Z\r
#EXTINF:2.000000,\r
live/seg-00000041.ts\r
#EXTINF:1.500000,\r
live/seg-00000042.ts\r
`;
  const expected = { ended: false, first: 41, last: 42, target_s: 2, window_s: 3.5, edge_ms: Date.UTC(2026, 0, 1, 0, 0, 4) };
  assert.deepEqual(readPlaylist(text), expected);
  assert.deepEqual(readPlaylist(`${text}#EXT-X-ENDLIST\r\n`), { ...expected, ended: true });
  assert.deepEqual(readPlaylist(text.replace('500Z', '500+0000')), expected);
  assert.equal(readPlaylist(text.replace(/#EXT-X-PROGRAM.*\r\n/, '')).edge_ms, null);
});

test('what is no media playlist is none', () => {
  for (const text of ['', '<html>', '#EXTM3U', '#EXTM3U\n#EXT-X-TARGETDURATION:x', '#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:x']) {
    assert.equal(readPlaylist(text), null, text);
  }
});

test('a multivariant playlist leads to its first variant', () => {
  assert.equal(firstVariant('#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n\n# note\nlow.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nhigh.m3u8'), 'low.m3u8');
  assert.equal(firstVariant('#EXTM3U\n#EXT-X-TARGETDURATION:2'), null);
});

test('the shown date comes from the nearest pair of playlist end and buffer end', () => {
  const edge = new EdgeDate();
  assert.equal(edge.at(1), null);
  edge.heard(102_000, 10);
  edge.heard(102_000, 12);
  edge.heard(null, 99);
  assert.equal(edge.at(5), 95_000);
  edge.forget();
  assert.equal(edge.at(5), null);
});

test('the frame rate follows the count, also over a new player', () => {
  const rate = new FrameRate();
  for (let now_ms = -5000; now_ms <= 0; now_ms += 250) assert.equal(rate.at(now_ms, 0), null);
  for (let now_ms = 250; now_ms <= 10_000; now_ms += 250) rate.at(now_ms, now_ms / 50);
  assert.equal(rate.at(10_250, 205), 20);
  assert.equal(rate.at(10_500, 0), null);
});

test('figures are said in words that fit on a line', () => {
  const figures = { latency_s: 6.24, width: 640, height: 480, fps: 19.97, bitrate_bps: 1_040_000, droppedFrames: 3 };
  const expected = { latency: '6.2 s behind the camera', size: '640 × 480', rate: '20 fps', bitrate: '1.0 Mb/s', dropped: '3 dropped' };
  assert.deepEqual(facts(figures), expected);
  assert.equal(facts({ ...figures, latency_s: 83 }).latency, '1 min 23 s behind the camera');
  assert.equal(facts({ ...figures, latency_s: 7300 }).latency, '2 h 1 min behind the camera');
  const nothing = { latency_s: null, width: 0, height: 0, fps: null, bitrate_bps: null, droppedFrames: 0 };
  assert.deepEqual(facts(nothing), { latency: '', size: '', rate: '', bitrate: '', dropped: '' });
});

test('no stream yet is said plainly, with the command that starts one', () => {
  assert.equal(message({ state: 'waiting', why: 'missing' }).headline, 'No stream yet');
  assert.match(announcement({ state: 'waiting', why: 'missing' }), /^No stream yet\. Start one with just live\./);
  for (const state of ['connecting', 'waiting', 'reconnecting', 'ended', 'undecodable', 'unsupported']) {
    assert.notEqual(message({ state, why: null }).headline, '', state);
  }
});
