// Which of the two lists to play: fast (ll.m3u8, a few parts behind) or smooth (stream.m3u8, three target durations
// behind), and when to look whether the fast one can be had.
// In: what the viewer wishes, what a look at the server found, repairs of the player. Out: a new value of the pace.
// Pure: no clock, no page, no network.

// Good playing is not interrupted more often than this to try the fast list again …
const LOOK_EVERY_MS = 30_000;
// … and a server that never has it is asked ever more seldom.
const LOOK_SELDOM_MS = 300_000;
// A fast list that can be read, but on which the player is mended so often in so short a time, does not work here.
const REPAIRS_BORNE = 3;
const REPAIRS_COUNTED_MS = 60_000;
// Both lists are read at the same time, and a segment may be added in between.
const SEGMENTS_APART = 1;

/**
 * @param {'fast'|'smooth'} wish
 * @returns {object} `playing`: the list to play · `isThere`: the server has a fast one
 */
export function initialPace(wish) {
  return { wish, playing: 'smooth', isThere: false, repairs_ms: [], falls: 0, distrusted_until_ms: -Infinity, look_after_ms: LOOK_EVERY_MS, looked_ms: -Infinity };
}

export function wished(pace, wish) {
  // Who asks for it by hand wants it tried now.
  return settled({ ...pace, wish, distrusted_until_ms: -Infinity, repairs_ms: [] }, -Infinity);
}

/**
 * @param {{blocks: boolean, fast: ?object, smooth: ?object}} seen
 *   blocks: the server says that it holds requests ·
 *   fast, smooth: facts of the two playlists, null where there is none
 */
export function looked(pace, { blocks, fast, smooth }, now_ms) {
  // A server that is away says nothing of what it has.
  if (!fast && !smooth) return { ...pace, looked_ms: now_ms };
  const isThere = blocks && fast !== null && !isLeftOver(fast, smooth);
  // What was there a moment ago may soon be back.
  const look_after_ms = isThere || pace.isThere ? LOOK_EVERY_MS : Math.min(pace.look_after_ms * 2, LOOK_SELDOM_MS);
  return settled({ ...pace, isThere, look_after_ms, looked_ms: now_ms }, now_ms);
}

/** The player had to be mended. */
export function repaired(pace, now_ms) {
  if (pace.playing !== 'fast') return pace;
  const repairs_ms = [...pace.repairs_ms.filter((at_ms) => now_ms - at_ms < REPAIRS_COUNTED_MS), now_ms];
  if (repairs_ms.length < REPAIRS_BORNE) return { ...pace, repairs_ms };
  const distrusted_until_ms = now_ms + Math.min(LOOK_EVERY_MS * 2 ** pace.falls, LOOK_SELDOM_MS);
  return settled({ ...pace, repairs_ms: [], falls: pace.falls + 1, distrusted_until_ms, looked_ms: now_ms }, now_ms);
}

/** @param {{phase: string, fault: ?string}} model of state.js @returns {boolean} whether to look before the playlist is read */
export function isLookNeeded(pace, { phase, fault }) {
  return phase !== 'open' || (pace.playing === 'fast' && fault === 'network');
}

/** @returns {boolean} whether to look while the smooth list plays */
export function isLookDue(pace, { phase }, now_ms) {
  return phase === 'open' && pace.playing === 'smooth' && now_ms - pace.looked_ms >= pace.look_after_ms;
}

function settled(pace, now_ms) {
  const isTrusted = now_ms === -Infinity || now_ms >= pace.distrusted_until_ms;
  return { ...pace, playing: pace.wish === 'fast' && pace.isThere && isTrusted ? 'fast' : 'smooth' };
}

/** A publisher that has stopped making the fast list leaves the last one behind. */
function isLeftOver(fast, smooth) {
  return smooth !== null && (smooth.last - fast.last > SEGMENTS_APART || (fast.ended && !smooth.ended));
}
