// Reads the playlist itself, where no engine does it for us: before there is a stream, after it ended, while the engine
// is in trouble, and beside the browser's own HLS, which tells nothing.
// In: the playlist's address. Out: one `playlist` or `playlist_failed` event, and the `Date` header; what pace.js wants to
// know of the server. Gives up after 5 s.

import { firstVariant, readPlaylist } from './playlist.js';

const GIVE_UP_AFTER_MS = 5000;

/**
 * @param {string} url
 * @param {(answer: {date_ms: number, sent_ms: number, received_ms: number}) => void} onDate
 * @returns {Promise<object>} an event for state.js, without its time
 */
export async function probe(url, onDate) {
  try {
    const text = await read(url, onDate);
    if (text === null) return { type: 'playlist_failed', reason: 'missing' };
    const variant = firstVariant(text);
    const media = variant === null ? text : await read(new URL(variant, url).href, onDate);
    const facts = media === null ? null : readPlaylist(media);
    if (!facts || facts.last < facts.first) return { type: 'playlist_failed', reason: 'missing' };
    return { type: 'playlist', ...facts };
  } catch {
    return { type: 'playlist_failed', reason: 'unreachable' };
  }
}

/**
 * @param {{fast: string, smooth: string}} urls of the two lists
 * @returns {Promise<{blocks: boolean, fast: ?object, smooth: ?object}>} for pace.js
 */
export async function lookForLowLatency(urls) {
  const [blocks, fast, smooth] = await Promise.all([holdsRequests(urls.fast), factsOf(urls.fast), factsOf(urls.smooth)]);
  return { blocks, fast, smooth };
}

/** A server that serves plain files does not look at the query, and one that holds requests must refuse this one. */
async function holdsRequests(url, isVariant = false) {
  try {
    // draft-pantos-hls-rfc8216bis 6.2.5.2: _HLS_part without _HLS_msn MUST be answered with 400
    const response = await fetch(`${url}?_HLS_part=0`, { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
    if (response.status === 400) return true;
    // A multivariant playlist is never waited for: those that it names are.
    const variant = response.ok && !isVariant ? firstVariant(await response.text()) : null;
    return variant !== null && (await holdsRequests(new URL(variant, url).href, true));
  } catch {
    return false;
  }
}

async function factsOf(url) {
  const { type, ...facts } = await probe(url, () => {});
  return type === 'playlist' ? facts : null;
}

/** @returns {Promise<?string>} null when the server says that there is no such file; throws when it cannot be asked */
async function read(url, onDate) {
  const sent_ms = Date.now();
  const response = await fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
  if (!response.headers.get('age')) {
    onDate({ date_ms: Date.parse(response.headers.get('date') ?? ''), sent_ms, received_ms: Date.now() });
  }
  if (response.status === 404 || response.status === 410) return null;
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}
