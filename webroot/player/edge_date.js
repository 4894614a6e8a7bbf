// When the shown picture was filmed, for browsers whose own HLS does not tell.
// In: the date of the playlist's end and the media time of the buffer's end, side by side. Out: the date at any media time.
// Pure; no thread, nothing to end.

// Enough to catch the buffer just after it grew, few enough to follow a new timeline after a publisher's restart.
const PAIRS_KEPT = 4;

export class EdgeDate {
  #offsets_ms = [];

  /** @param {?number} edge_ms wall clock at the playlist's end @param {number} buffered_s media time at the buffer's end */
  heard(edge_ms, buffered_s) {
    if (edge_ms === null) return;
    this.#offsets_ms.push(edge_ms - buffered_s * 1000);
    if (this.#offsets_ms.length > PAIRS_KEPT) this.#offsets_ms.shift();
  }

  /** @returns {?number} ms */
  at(position_s) {
    if (this.#offsets_ms.length === 0) return null;
    // The buffer can only lack what the playlist already lists, so the smallest offset is the nearest to the truth.
    return Math.min(...this.#offsets_ms) + position_s * 1000;
  }

  /** A new player counts its media time from 0 again. */
  forget() {
    this.#offsets_ms = [];
  }
}
