// Reads playlists with hls-parser in strict mode.
// In: on each line of standard input the text of one playlist, as a JSON string.
// Out: on each line of standard output what was read, or {"refused": why}.

import { createInterface } from 'node:readline';
import HLS from 'hls-parser';

HLS.setOptions({ strictMode: true, silent: true });

function read(text) {
  let playlist;
  try {
    playlist = HLS.parse(text);
  } catch (error) {
    return { refused: String(error.message) };
  }
  return {
    version: playlist.version,
    target_duration_s: playlist.targetDuration,
    media_sequence: playlist.mediaSequenceBase,
    discontinuity_sequence: playlist.discontinuitySequenceBase,
    independent_segments: playlist.independentSegments,
    ended: playlist.endlist,
    segments: playlist.segments.map((segment) => ({
      uri: segment.uri,
      duration_us: Math.round(segment.duration * 1e6),
      unix_ms: segment.programDateTime?.getTime() ?? null,
      discontinuity: segment.discontinuity ?? false,
      media_sequence: segment.mediaSequenceNumber,
      discontinuity_sequence: segment.discontinuitySequence,
    })),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(read(JSON.parse(line)))}\n`);
}
