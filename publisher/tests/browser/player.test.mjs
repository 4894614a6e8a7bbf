// The page's small pure parts: addresses, clocks, playlists, words.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOnThisMachine, isStreamNamed, lowLatencyAddress, nativeWanted, streamAddress } from '../../../webroot/player/address.js';
import { Captions, nextWish, shownOf } from '../../../webroot/player/captions.js';
import { UNKNOWN, narrowed, offset_ms } from '../../../webroot/player/clock.js';
import { EdgeDate } from '../../../webroot/player/edge_date.js';
import { FrameRate } from '../../../webroot/player/frame_rate.js';
import { levels } from '../../../webroot/player/levels.js';
import { LossAfterBreak } from '../../../webroot/player/loss_after_break.js';
import { KEYS, keyName, wishOf } from '../../../webroot/player/keys.js';
import { firstVariant, readPlaylist } from '../../../webroot/player/playlist.js';
import { SoundAlone } from '../../../webroot/player/sound_alone.js';
import { UnaskedPause } from '../../../webroot/player/unasked_pause.js';
import { announcement, captionsTitle, facts, message, operatorHint } from '../../../webroot/player/words.js';

test('src names a playlist on the same origin, and nothing else', () => {
  const check = (search, expected) => assert.equal(streamAddress(search, 'https://here.test/cam/'), `https://here.test${expected}`);
  check('', '/cam/stream.m3u8');
  check('?src=ll.m3u8', '/cam/ll.m3u8');
  check('?src=other/a.m3u8', '/cam/other/a.m3u8');
  for (const bad of ['https://else.test/a.m3u8', '//else.test/a.m3u8', '/\\else.test/a.m3u8', 'javascript:x.m3u8', 'movie.mp4', '', '/a.m3u8']) {
    check(`?src=${encodeURIComponent(bad)}`, '/cam/stream.m3u8');
  }
});

test('channel names a directory beside the page, and nothing else', () => {
  const check = (search, expected) => {
    assert.equal(streamAddress(search, 'https://here.test/cam/'), `https://here.test/cam/${expected}stream.m3u8`);
    assert.equal(lowLatencyAddress(search, 'https://here.test/cam/'), `https://here.test/cam/${expected}ll.m3u8`);
  };
  check('?channel=stage', 'stage/');
  check('?channel=Hall-2_b', 'Hall-2_b/');
  for (const bad of ['', '../up', 'a/b', '.hidden', '%2e%2e', 'a b', 'x'.repeat(65)]) check(`?channel=${encodeURIComponent(bad)}`, '');
  assert.deepEqual(['', '?channel=a', '?src=a.m3u8', '?native=1'].map(isStreamNamed), [false, true, true, false]);
});

test('native HLS is taken only when asked for', () => {
  assert.deepEqual(['?native=1', '?native=0', ''].map(nativeWanted), [true, false, false]);
});

test('only the machine itself is this machine', () => {
  const check = (hostname, expected) => assert.equal(isOnThisMachine(hostname), expected, hostname);
  for (const here of ['localhost', 'cam.localhost', '127.0.0.1', '127.1.2.3', '[::1]']) check(here, true);
  for (const there of ['livedir.test', 'localhost.test', 'notlocalhost', '127.0.0.1.test', '192.168.1.5', '[::2]', '']) check(there, false);
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
  const expected = { ended: false, canBlock: false, first: 41, last: 42, target_s: 2, window_s: 3.5, edge_ms: Date.UTC(2026, 0, 1, 0, 0, 4) };
  assert.deepEqual(readPlaylist(text), expected);
  assert.deepEqual(readPlaylist(`${text}#EXT-X-ENDLIST\r\n`), { ...expected, ended: true });
  const control = (attributes) => readPlaylist(text.replace('#EXTINF', `#EXT-X-SERVER-CONTROL:${attributes}\n#EXTINF`)).canBlock;
  assert.deepEqual(['CAN-BLOCK-RELOAD=YES,HOLD-BACK=6', 'HOLD-BACK=6,CAN-BLOCK-RELOAD=YES', 'HOLD-BACK=6'].map(control), [true, true, false]);
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

/** Plays pictures of a 20 fps stream at these speeds, for so many seconds each; every rate that is said meanwhile. */
function ratesOf(rate, speeds, { media_s = 0, now_ms = 0, frames = 0 } = {}) {
  const said = new Set();
  for (const [speed, seconds] of speeds) {
    for (let picture = 0; picture < seconds * 20 * speed; picture += 1) {
      [media_s, now_ms, frames] = [media_s + 0.05, now_ms + 50 / speed, frames + 1];
      rate.saw({ media_s, count: frames, now_ms });
      said.add(rate.rate() === null ? null : Math.round(rate.rate()));
    }
  }
  return [...said];
}

test('the frame rate is that of the stream, also while the player catches up', () => {
  assert.deepEqual(ratesOf(new FrameRate(), [[1, 4], [1.5, 4], [1, 1], [1.5, 1], [0.95, 4]]), [null, 20]);
});

test('pictures that a slow device left out are missing from the frame rate', () => {
  const rate = new FrameRate();
  for (let picture = 0; picture < 60; picture += 1) rate.saw({ media_s: picture / 10, count: picture, now_ms: picture * 100 });
  assert.equal(Math.round(rate.rate()), 10);
});

test('a browser that counts anew at each change of speed has a frame rate too', () => {
  const rate = new FrameRate();
  for (let picture = 0; picture < 120; picture += 1) rate.saw({ media_s: picture / 20, count: picture % 30, now_ms: picture * 50 });
  assert.equal(Math.round(rate.rate()), 20);
});

test('a leap, a new player and a page that was hidden start the frame rate anew', () => {
  const rate = new FrameRate();
  ratesOf(rate, [[1, 4]]);
  assert.deepEqual(ratesOf(rate, [[1, 4]], { media_s: 60, now_ms: 4100, frames: 80 }), [null, 20]);
  assert.deepEqual(ratesOf(rate, [[1, 4]], { media_s: 3, now_ms: 9000 }), [null, 20]);
  rate.forget();
  assert.equal(rate.rate(), null);
});

test('a browser that counts no pictures has no frame rate', () => {
  const rate = new FrameRate();
  for (let now_ms = 0; now_ms < 9000; now_ms += 250) rate.saw({ media_s: now_ms / 1000, count: 0, now_ms });
  assert.equal(rate.rate(), null);
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

const WITHOUT_PICTURE = ['connecting', 'waiting', 'reconnecting', 'ended', 'undecodable', 'unsupported'];

test('no stream yet is said plainly, and no viewer is told what only an operator can do', () => {
  assert.equal(message({ state: 'waiting', why: 'missing' }).headline, 'No stream yet');
  assert.equal(announcement({ state: 'waiting', why: 'missing' }), 'No stream yet. Playback starts automatically.');
  for (const state of WITHOUT_PICTURE) {
    for (const codec of ['', 'HEVC']) {
      const { headline, hint } = message({ state, why: null, codec });
      assert.notEqual(headline, '', state);
      assert.doesNotMatch(`${headline} ${hint}`, /just |--|install/, state);
    }
  }
});

test('an operator is told what to do where there is something', () => {
  const hint = (state, more) => operatorHint({ state, why: null, codec: '', ...more });
  assert.match(hint('waiting'), /`just live`/);
  assert.match(hint('undecodable', { codec: 'HEVC' }), /`--codec hevc`/);
  assert.match(hint('unsupported', { hasHlsJs: false }), /`just setup`/);
  assert.equal(hint('unsupported', { hasHlsJs: true }), '', 'it is there, and the browser cannot use it');
  for (const none of [hint('waiting', { why: 'stale' }), hint('undecodable'), hint('live'), hint('reconnecting')]) assert.equal(none, '');
});

test('captions are shown when the viewer wants some, and a press goes through them and off', () => {
  assert.equal(shownOf(['CC1', 'CC3'], null), null);
  assert.equal(shownOf([], 'CC1'), null);
  assert.equal(shownOf(['CC1', 'CC3'], 'CC3'), 'CC3');
  assert.equal(shownOf(['CC1', 'CC3'], 'CC2'), 'CC1', 'another channel than the last time');
  const presses = [null];
  for (let press = 0; press < 4; press += 1) presses.push(nextWish(['CC1', 'CC3'], presses.at(-1)));
  assert.deepEqual(presses, [null, 'CC1', 'CC3', null, 'CC1']);
  assert.equal(nextWish([], null), null);
  assert.equal(captionsTitle(['CC1', 'CC3'], null), 'Captions: off (c for CC1)');
  assert.equal(captionsTitle(['CC1', 'CC3'], 'CC3'), 'Captions: CC3 (c for off)');
});

test('tracks that come later are shown as was wished, and those of other kinds are left alone', () => {
  const metadata = { kind: 'metadata', label: 'id3', language: '', mode: 'hidden' };
  const video = { textTracks: [metadata] };
  const captions = new Captions(video, 'CC1');
  captions.apply();
  assert.deepEqual([captions.names(), captions.shown()], [[], null]);
  const track = (label) => ({ kind: 'captions', label, language: '', mode: 'hidden' });
  video.textTracks.push(track('CC3'), track('CC1'));
  captions.apply();
  const modes = () => video.textTracks.map(({ mode }) => mode).join();
  assert.deepEqual([captions.names(), captions.shown(), modes()], [['CC1', 'CC3'], 'CC1', 'hidden,hidden,showing']);
  assert.equal(captions.press(), 'CC3');
  assert.equal(modes(), 'hidden,showing,hidden');
  assert.equal(captions.press(), null);
  assert.equal(modes(), 'hidden,hidden,hidden');
  assert.deepEqual(new Captions({}, 'CC1').names(), [], 'a browser without text tracks');
});

test('every key has one meaning, with Caps Lock too', () => {
  const keys = KEYS.flatMap((row) => row.keys);
  assert.equal(new Set(keys).size, keys.length);
  assert.deepEqual([' ', 'k', 'K', 'F', 'C', '?', 'End', 'Escape', 'x'].map(wishOf), [
    'togglePlay', 'togglePlay', 'togglePlay', 'toggleFullscreen', 'toggleCaptions', 'toggleHelp', 'goLive', null, null,
  ]);
  assert.deepEqual([' ', 'k', 'End', 'Escape'].map(keyName), ['Space', 'K', 'End', 'Esc']);
});

/** Appends parts of 0.2 s to a browser that keeps what comes after the break, or all but the first picture; when it was said to be lost. */
function lostAt(keepsIt, breaks) {
  const loss = new LossAfterBreak();
  let end_s = 0;
  for (let part = 0; part < 10; part += 1) {
    const start_s = part * 0.2;
    const timeline = breaks && part >= 5 ? 2 : 1;
    if (timeline === 1 || keepsIt) end_s = start_s + 0.17;
    if (loss.appended({ timeline, type: 'audio', start_s, duration_s: 0.2, buffered: [{ start_s: 0, end_s }] })) return part;
  }
  return null;
}

test('what a browser throws away after a break is noticed at the second part, and nothing else is', () => {
  assert.equal(lostAt(false, true), 6);
  assert.equal(lostAt(true, true), null);
  assert.equal(lostAt(false, false), null);
});

test('a browser that pauses before the picture has moved is told to play again, three times', () => {
  const pause = new UnaskedPause();
  const look = (position_s, more) => pause.look({ position_s, paused: false, seeking: false, canShow: true, ...more });
  pause.asked(0);
  assert.equal(look(0, { paused: true, canShow: false }), false, 'nothing is there to be played');
  assert.equal(look(1.1, { seeking: true }), false);
  assert.equal(look(1.1, { paused: true }), true, 'a seek to the start is no playing');
  assert.deepEqual([look(1.1), look(1.1, { paused: true }), look(1.1, { paused: true })], [false, true, true]);
  assert.equal(look(1.1, { paused: true }), false, 'from here on the viewer sees a button');
  pause.asked(1.1);
  assert.equal(look(1.1, { paused: true }), true, 'after the button the tries begin anew');
});

test('a pause stays a pause when the picture had moved, or the viewer asked for it', () => {
  const pause = new UnaskedPause();
  const look = (position_s, paused) => pause.look({ position_s, paused, seeking: false, canShow: true });
  assert.equal(look(0, true), false, 'nobody has asked for a picture');
  pause.asked(1);
  assert.deepEqual([look(1, false), look(1.2, false), look(1.2, true)], [false, false, false]);
  pause.asked(1.2);
  pause.pausedByViewer();
  assert.equal(look(1.2, true), false);
});

test('a stream without a picture is sound alone once it plays, or as soon as the engine knows', () => {
  const soundAlone = new SoundAlone();
  const look = (now_ms, width, canPlay, hasPicture = null) => {
    soundAlone.look({ now_ms, width, canPlay, hasPicture });
    return soundAlone.isAlone;
  };
  assert.equal(look(0, 0, false), false);
  assert.equal(look(5000, 0, true), false);
  assert.equal(look(5400, 0, true), false);
  assert.equal(look(5500, 0, true), true);
  assert.equal(look(5600, 640, true), false, 'a picture has come');
  assert.equal(look(5700, 0, false, false), true);
  assert.equal(look(5800, 0, true, true), false);
});

test('bars rise with what is heard, fall slowly, and are one level for those who want no motion', () => {
  const spectrum = new Uint8Array(512);
  const before = new Array(32).fill(0);
  assert.deepEqual(levels({ spectrum: null, before, isStill: false }), before);
  spectrum[511] = 255;
  const heard = levels({ spectrum, before, isStill: false });
  assert.equal(heard[31], 1);
  assert.equal(heard[0], 0);
  assert.ok(Math.abs(levels({ spectrum: null, before: heard, isStill: false })[31] - 0.96) < 1e-9);
  const still = levels({ spectrum, before, isStill: true });
  assert.equal(new Set(still).size, 1);
  assert.ok(still[0] > 0);
});

test('of sound alone the page speaks as of sound', () => {
  const snapshot = { state: 'reconnecting', why: null, codec: '', isSoundAlone: true };
  assert.equal(message(snapshot).headline, 'Waiting for the sound');
  assert.equal(message({ ...snapshot, state: 'waiting', why: 'stale' }).headline, 'The sound is unavailable');
  const said = facts({ latency_s: 2, width: 0, height: 0, fps: null, bitrate_bps: 128000, droppedFrames: 0, isSoundAlone: true });
  assert.deepEqual(said, { latency: '2.0 s behind the source', size: 'Sound only', rate: '', bitrate: '128 kb/s', dropped: '' });
});
