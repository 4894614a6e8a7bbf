// The server's clock, as well as it can be known here: a phone's clock is often seconds off, and the latency behind the
// camera would be off by as much.
// In: `Date` headers with the times around their requests. Out: an offset in ms. Pure; no thread, nothing to end.

// The header is cut to whole seconds, and servers commonly refresh it only once a second.
const HEADER_COARSENESS_MS = 2000;

/** What is known before any answer: nothing, so the own clock is taken as right. */
export const UNKNOWN = Object.freeze({ low_ms: -Infinity, high_ms: Infinity });

/**
 * Narrows the range in which (server clock − own clock) must lie. A contradiction means that a clock was set:
 * the newest answer wins.
 * @param {{low_ms: number, high_ms: number}} range
 * @param {{date_ms: number, sent_ms: number, received_ms: number}} answer own-clock times around the request
 */
export function narrowed(range, { date_ms, sent_ms, received_ms }) {
  if (!Number.isFinite(date_ms)) return range;
  const low_ms = date_ms - received_ms;
  const high_ms = date_ms + HEADER_COARSENESS_MS - sent_ms;
  const both = { low_ms: Math.max(range.low_ms, low_ms), high_ms: Math.min(range.high_ms, high_ms) };
  return both.low_ms <= both.high_ms ? both : { low_ms, high_ms };
}

/** The smallest correction that agrees with every answer; 0 when the clocks may well be the same. */
export function offset_ms({ low_ms, high_ms }) {
  if (low_ms > 0) return low_ms;
  return high_ms < 0 ? high_ms : 0;
}
