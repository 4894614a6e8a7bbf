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
    const facts = text === null ? null : await factsOfText(text, url, onDate);
    return facts ? { type: 'playlist', ...facts } : { type: 'playlist_failed', reason: 'missing' };
  } catch {
    return { type: 'playlist_failed', reason: 'unreachable' };
  }
}

/**
 * Nothing is asked for that may not be there: a server of plain files answers the question with the plain list.
 * @param {{fast: string, smooth: string}} urls of the two lists
 * @returns {Promise<?{blocks: boolean, fast: ?object, smooth: ?object}>} for pace.js; null when nobody answers
 */
export async function lookForLowLatency(urls) {
  let answer;
  try {
    answer = await ask(`${urls.smooth}?low-latency`);
  } catch {
    return null;
  }
  const isTold = answer.ok && namesAlternate(answer.headers.get('link'), urls);
  const smooth = answer.ok ? answer.text().then((text) => factsOfText(text, urls.smooth, () => {})).catch(() => null) : null;
  const seen = { fast: isTold ? await factsOf(urls.fast) : null, smooth: await smooth };
  return { ...seen, blocks: seen.fast?.canBlock ?? false };
}

/** Whether a server that holds requests has said where. RFC 8288 3.1: the address is relative to that of the request. */
function namesAlternate(link, { fast, smooth }) {
  const [, address] = /^<([^>]*)>; *rel="alternate"$/.exec(link ?? '') ?? [];
  return address !== undefined && new URL(address, smooth).href === fast;
}

async function factsOf(url) {
  const { type, ...facts } = await probe(url, () => {});
  return type === 'playlist' ? facts : null;
}

/** @returns {Promise<?object>} null where there is nothing to play */
async function factsOfText(text, url, onDate) {
  const variant = firstVariant(text);
  const media = variant === null ? text : await read(new URL(variant, url).href, onDate);
  const facts = media === null ? null : readPlaylist(media);
  return facts && facts.last >= facts.first ? facts : null;
}

function ask(url) {
  return fetch(url, { cache: 'no-store', signal: AbortSignal.timeout(GIVE_UP_AFTER_MS) });
}

/** @returns {Promise<?string>} null when the server says that there is no such file; throws when it cannot be asked */
async function read(url, onDate) {
  const sent_ms = Date.now();
  const response = await ask(url);
  if (!response.headers.get('age')) {
    onDate({ date_ms: Date.parse(response.headers.get('date') ?? ''), sent_ms, received_ms: Date.now() });
  }
  if (response.status === 404 || response.status === 410) return null;
  if (!response.ok) throw new Error(`status ${response.status}`);
  return response.text();
}
