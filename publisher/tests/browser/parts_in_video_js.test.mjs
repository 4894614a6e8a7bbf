// Why video.js leaves pictures out in low latency, whoever makes the parts: these are pieces of the ffmpeg program. docs/addresses.md tells it.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import muxjs from 'mux.js';

/** Two seconds of 20 pictures each, in pieces of 0.2 s that begin with PAT, PMT and parameter sets; the first alone begins with a keyframe. */
function pieces() {
  const directory = mkdtempSync(join(tmpdir(), 'parts-'));
  try {
    const coded = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-g', '40', '-pix_fmt', 'yuv420p', '-bsf:v', 'dump_extra=freq=all'];
    const cut = ['-f', 'segment', '-segment_time', '0.2', '-break_non_keyframes', '1', '-segment_format', 'mpegts', join(directory, '%02d.ts')];
    execFileSync('ffmpeg', ['-nostdin', '-v', 'error', '-f', 'lavfi', '-i', 'testsrc2=size=160x90:rate=20:duration=2', ...coded, ...cut]);
    return readdirSync(directory).sort().map((name) => new Uint8Array(readFileSync(join(directory, name))));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** What mux.js hands to the browser of each piece, with the settings of video.js: when it begins, and which of its pictures are keyframes. */
function remuxed(pieces) {
  const transmuxer = new muxjs.mp4.Transmuxer({ keepOriginalTimestamps: true, remux: false });
  const out = [];
  transmuxer.on('data', ({ data }) => out.push(data));
  for (const piece of pieces) {
    transmuxer.push(piece);
    transmuxer.flush();
  }
  const within = (boxes, type) => boxes.find((box) => box.type === type);
  return out.map((data) => {
    const traf = within(within(muxjs.mp4.tools.inspect(data), 'moof').boxes, 'traf').boxes;
    const keys = within(traf, 'trun').samples.map((sample) => sample.flags.isNonSyncSample === 0);
    return { begins_90k: within(traf, 'tfdt').baseMediaDecodeTime, keys };
  });
}

test('mux.js puts the piece before in front of one without a keyframe, so that a browser drops both from the third on', () => {
  const [first, ...others] = remuxed(pieces());
  assert.deepEqual(first.keys, [true, false, false, false]);
  assert.equal(others.length, 9);
  for (const [at, { begins_90k, keys }] of others.entries()) {
    // Pictures that a browser has already, once more: without a keyframe it takes none of them (Media Source Extensions, 3.5.8).
    assert.equal(begins_90k, first.begins_90k + at * 18_000);
    assert.equal(keys.length, 8);
    assert.equal(keys.includes(true), at === 0);
  }
});
