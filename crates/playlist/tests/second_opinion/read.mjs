// Reads playlists with hls-parser: plain ones in strict mode. Of low-latency ones it is too strict: it counts three
// segments from the end, where bis-22 6.2.2 has three target durations.
// In: on each line of standard input the text of one playlist, as a JSON string.
// Out: on each line of standard output what was read, or {"refused": why}.

import { createInterface } from 'node:readline';
import HLS from 'hls-parser';

const part = ({ uri, duration, independent, gap }) => ({
  uri,
  duration_us: Math.round(duration * 1e6),
  independent: independent ?? false,
  gap: gap ?? false,
});

// The parts of the segment that is being made are in one without a URI, and so is the hint.
function lowLatency(playlist) {
  const parts = (segment) => segment.parts.filter(({ hint }) => !hint).map(part);
  const open = playlist.segments.filter(({ uri }) => !uri);
  return {
    part_target_s: playlist.partTargetDuration ?? null,
    can_block_reload: playlist.lowLatencyCompatibility.canBlockReload,
    part_hold_back_s: playlist.lowLatencyCompatibility.partHoldBack ?? null,
    can_skip_until_s: playlist.lowLatencyCompatibility.canSkipUntil ?? null,
    skipped: playlist.skip ?? 0,
    media_sequence: playlist.mediaSequenceBase,
    segments: playlist.segments.filter(({ uri }) => uri).map((segment) => ({
      uri: segment.uri,
      media_sequence: segment.mediaSequenceNumber,
      parts: parts(segment),
    })),
    open_parts: open.flatMap(parts),
    hints: open.flatMap((segment) => segment.parts.filter(({ hint }) => hint).map(({ uri }) => uri)),
  };
}

function read(text) {
  const isLowLatency = text.includes('#EXT-X-SERVER-CONTROL');
  HLS.setOptions({ strictMode: !isLowLatency, silent: true });
  let playlist;
  try {
    playlist = HLS.parse(text);
  } catch (error) {
    return { refused: String(error.message) };
  }
  if (isLowLatency) {
    return lowLatency(playlist);
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
