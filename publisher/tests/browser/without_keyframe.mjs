// Pictures of the test pattern that were decoded without their keyframe: the clock in them cannot be read.
// In: samples of the page {now_ms, currentTime, filmedDate}; filmedDate is null where the picture has no clock, and undefined where
// there is no picture to look at. Out: how long such pictures were shown, and whether that is longer than allowed. Pure.

export class WithoutKeyframe {
  #allowed_ms;
  /** Of such pictures since the last one that had its clock; null where there was none. */
  #shown_ms = null;
  /** When the last look was at such a picture; null where it was at another one, or at none. */
  #lookedAt_ms = null;
  #before_s = 0;

  /** @param {number} allowed_ms 0 when not one may be shown */
  constructor(allowed_ms) {
    this.#allowed_ms = allowed_ms;
  }

  /** @returns {?{lasted_ms: number, isFault: boolean}} once such pictures have ended, or are there for too long */
  see({ now_ms, currentTime, filmedDate }) {
    const hasMoved = currentTime > this.#before_s;
    this.#before_s = currentTime;
    // Between two looks it is still there: also where the second look finds no picture. While there is none, none is shown.
    if (this.#lookedAt_ms !== null) this.#shown_ms += now_ms - this.#lookedAt_ms;
    this.#lookedAt_ms = null;
    if (filmedDate === undefined) return null;
    if (filmedDate === null) {
      // Before the first picture there may be anything.
      if (this.#shown_ms === null && !hasMoved) return null;
      this.#shown_ms ??= 0;
      this.#lookedAt_ms = now_ms;
      return this.#shown_ms >= this.#allowed_ms ? { lasted_ms: this.#shown_ms, isFault: true } : null;
    }
    if (this.#shown_ms === null) return null;
    const lasted_ms = this.#shown_ms;
    this.#shown_ms = null;
    return { lasted_ms, isFault: lasted_ms > this.#allowed_ms };
  }
}
