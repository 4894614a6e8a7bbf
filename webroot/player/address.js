// Which stream to play, and how: from the page's own address.
// In: location.search and the page's address. Out: plain values. Pure; no thread, nothing to end.

const DEFAULT_STREAM = 'stream.m3u8';
const LOW_LATENCY_STREAM = 'll.m3u8';

/**
 * The stream's absolute address. `?src=` may name another playlist, but only a relative one on the page's own origin,
 * so that a link to this page cannot make it play something from elsewhere.
 * @param {string} search @param {string} page absolute address of the page @returns {string}
 */
export function streamAddress(search, page) {
  const wanted = new URLSearchParams(search).get('src');
  return (wanted && sameOriginPlaylist(wanted, page)) || new URL(channelDirectory(search) + DEFAULT_STREAM, page).href;
}

/** @returns {?string} where the same stream may be had with low latency; null when the page was told what to play */
export function lowLatencyAddress(search, page) {
  const asked = new URLSearchParams(search).get('src');
  return asked && sameOriginPlaylist(asked, page) ? null : new URL(channelDirectory(search) + LOW_LATENCY_STREAM, page).href;
}

/** @returns {boolean} whether the page was told what to play */
export function isStreamNamed(search) {
  const asked = new URLSearchParams(search);
  return asked.has('src') || asked.has('channel');
}

/** `?channel=stage` is the directory `stage/`; what no publisher calls a channel is none. */
function channelDirectory(search) {
  const name = new URLSearchParams(search).get('channel') ?? '';
  return /^[A-Za-z0-9][\w-]{0,63}$/.test(name) ? `${name}/` : '';
}

/** @param {string} search @returns {boolean} whether the browser's own HLS was asked for */
export function nativeWanted(search) {
  return new URLSearchParams(search).get('native') === '1';
}

/** @param {string} hostname of the page @returns {boolean} whether whoever looks sits where livedir runs */
export function isOnThisMachine(hostname) {
  return /^(([^.]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

function sameOriginPlaylist(wanted, page) {
  // A scheme, a host (`//host`), a root or a backslash is not a relative path, whatever it resolves to.
  if (/^[/\\]|[:\\]/.test(wanted)) return null;
  let url;
  try {
    url = new URL(wanted, page);
  } catch {
    return null;
  }
  return url.origin === new URL(page).origin && url.pathname.endsWith('.m3u8') ? url.href : null;
}
