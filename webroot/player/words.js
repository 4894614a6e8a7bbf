// What the page says: states and figures in words.
// In: the snapshot that main.js keeps. Out: strings, empty where there is nothing to say. Pure; no thread, nothing to end.

const LABELS = {
  connecting: 'Connecting', waiting: 'Waiting', live: 'Live', behind: 'Behind', paused: 'Paused',
  reconnecting: 'Reconnecting', ended: 'Ended', undecodable: 'No decoder', unsupported: 'No player',
};

const CONNECTING = { starting: 'The stream is starting', switching: 'Changing the latency' };

/** @returns {string} the word on the badge */
export function label(snapshot) {
  return LABELS[snapshot.state];
}

/** @returns {{headline: string, hint: string}} over the picture, where there is no moving one */
export function message({ state, why, codec, isSoundAlone }) {
  switch (state) {
    case 'connecting':
      return { headline: CONNECTING[why] ?? 'Looking for the stream', hint: '' };
    case 'waiting':
      return why === 'stale'
        ? { headline: isSoundAlone ? 'The sound is unavailable' : 'The camera is unavailable', hint: 'Playback continues when it is back.' }
        : { headline: 'No stream yet', hint: 'Playback starts automatically.' };
    case 'reconnecting':
      return why === 'unreachable'
        ? { headline: 'The server is unavailable', hint: 'Trying again. Playback continues when it is back.' }
        : { headline: isSoundAlone ? 'Waiting for the sound' : 'Waiting for the picture', hint: 'Playback continues automatically.' };
    case 'ended':
      return { headline: 'The stream has ended', hint: 'If it starts again, it plays here automatically.' };
    case 'undecodable':
      return codec === 'HEVC'
        ? { headline: 'This browser cannot decode HEVC', hint: 'VLC can: open the address of `stream.m3u8` in it.' }
        : { headline: 'This browser cannot decode the stream', hint: 'Try another one, or open the address of `stream.m3u8` in VLC.' };
    case 'unsupported':
      return { headline: 'This browser cannot play the stream', hint: 'Try another one, or open the address of `stream.m3u8` in VLC.' };
    default:
      return { headline: '', hint: '' };
  }
}

/** For the console, where the browser plays without hls.js: nothing is to be seen of what is lost. */
export const WITHOUT_HLS_JS =
  'hls.js is not installed, so the browser plays the stream by itself, without low latency. `just setup` on the machine that runs livedir installs it.';

/** @returns {string} what whoever runs the stream can do about it; nothing that a viewer can */
export function operatorHint({ state, why, codec, hasHlsJs }) {
  if (state === 'waiting' && why !== 'stale') return '`just live` starts a stream.';
  if (state === 'undecodable' && codec === 'HEVC') return 'Without `--codec hevc` the stream plays in this browser too.';
  return state === 'unsupported' && !hasHlsJs ? '`just setup` on the machine that runs livedir installs hls.js, which this browser needs.' : '';
}

/** @returns {string} what the control for the delay says: how it is, and what a press does */
export function paceTitle(pace) {
  return pace === 'fast' ? 'Low latency (d for smooth playback)' : 'Smooth playback: a few seconds buffered (d for low latency)';
}

/** @returns {string} what the control for captions says: how it is, and what a press does */
export function captionsTitle(names, shown) {
  const next = shown === null ? names[0] : names[names.indexOf(shown) + 1];
  return `Captions: ${shown ?? 'off'} (c for ${next ?? 'off'})`;
}

/** @returns {string} for screen readers, said when the state changes */
export function announcement(snapshot) {
  if (snapshot.state === 'live') return 'Live';
  if (snapshot.state === 'behind') return 'Behind the live edge';
  if (snapshot.state === 'paused') return 'Paused';
  const { headline, hint } = message(snapshot);
  return `${headline}. ${hint}`.replaceAll('`', '').trim();
}

/** @returns {{latency: string, size: string, rate: string, bitrate: string, dropped: string}} */
export function facts({ latency_s, width, height, fps, bitrate_bps, droppedFrames, isSoundAlone }) {
  return {
    latency: latency_s === null ? '' : `${duration(latency_s)} behind the ${isSoundAlone ? 'source' : 'camera'}`,
    size: width > 0 ? `${width} × ${height}` : isSoundAlone ? 'Sound only' : '',
    rate: fps === null ? '' : `${Math.round(fps)} fps`,
    bitrate: bitrate_bps === null ? '' : bitrate(bitrate_bps),
    dropped: width > 0 ? `${droppedFrames} dropped` : '',
  };
}

function duration(total_s) {
  const seconds = Math.max(0, total_s);
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${Math.floor(seconds % 60)} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

function bitrate(bps) {
  return bps < 1e6 ? `${Math.round(bps / 1000)} kb/s` : `${(bps / 1e6).toFixed(1)} Mb/s`;
}
