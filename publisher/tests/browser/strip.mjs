// The clock in the test pattern: 64 cells along the lower edge of the picture, leftmost first: 8 that are always 10110010,
// 40 of the wall clock in milliseconds since 1970, 16 of the picture's number; white is 1 (test_pattern.rs).
// In: the brightness of each cell. Out: when the picture was taken. Pure; no clock, nothing to end.

export const STRIP_CELLS = 64;

const MARK = '10110010';
const CLOCK_BITS = 40;

/**
 * @param {number[]} cells brightness of each, 0 to 255
 * @param {number} near_ms a time since 1970 within 17 years of the picture's: the strip has no more bits
 * @returns {?number} ms since 1970; null when this is no strip
 */
export function stripClock_ms(cells, near_ms) {
  const bits = cells.map((brightness) => (brightness > 128 ? '1' : '0')).join('');
  if (bits.length !== STRIP_CELLS || !bits.startsWith(MARK)) return null;
  const low_ms = Number.parseInt(bits.slice(MARK.length, MARK.length + CLOCK_BITS), 2);
  const round_ms = 2 ** CLOCK_BITS;
  return low_ms + Math.round((near_ms - low_ms) / round_ms) * round_ms;
}
