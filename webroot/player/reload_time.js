// When to read a growing playlist again: just after a segment should have been added, not some time after it. A player that
// asks at any moment of the segment's time learns of each one late, by up to that time, for as long as it plays.
// In: each list that was read, with its age. Out: how long to put off the next reading. Pure: the time is an argument.
//
// Readings are put off, never brought forward. With a wrong clock it asks at a worse moment, as it might without this.

// Of a segment: what it takes to be written and listed, and the unsteadiness of that.
const MARGIN = 0.1;
const MOST_MARGIN = 0.5;
// So late is on time.
const TOLERANCE = 0.1;
// RFC 8216 6.3.4: after a list that had changed it MUST wait for at least the target duration, but for what a timer is off …
const LEAST = 0.9;
// … and after one that had not, for half of it.
const LEAST_AFTER_MISS = 0.5;
// Whoever has not read for so long was in trouble, and has waited enough.
const LONGEST_SILENCE = 1.5;
// Asked too early, half a target duration is lost: this many times on time pay for it.
const TIMES_ON_TIME = 100;

export class ReloadTime {
  #last = null;
  #margin = MARGIN;
  #segment_ms = 0;
  #heard_ms = 0;
  #due_ms = 0;
  #earliest_ms = 0;
  #isMissed = false;

  /**
   * @param {{last: number, age_s: ?number, segment_s: ?number, now_ms: number}} list
   *   last: media sequence number of the last segment · age_s: how long ago its end was filmed · segment_s: the duration of
   *   all segments; null when they are not alike, so that nobody knows when the next one comes
   */
  heard({ last, age_s, segment_s, now_ms }) {
    this.#isMissed = last === this.#last;
    this.#last = last;
    this.#segment_ms = age_s !== null && segment_s > 0 ? segment_s * 1000 : 0;
    // The next segment was filmed to its end, and is not listed yet.
    const isEarly = this.#isMissed || age_s * 1000 > this.#segment_ms;
    const step = isEarly && this.#segment_ms > 0 ? MARGIN : -MARGIN / TIMES_ON_TIME;
    this.#margin = Math.min(MOST_MARGIN, Math.max(MARGIN, this.#margin + step));
    this.#heard_ms = now_ms;
    this.#due_ms = now_ms - age_s * 1000 + this.#segment_ms * this.#margin;
    this.#earliest_ms = now_ms + this.#segment_ms * (this.#isMissed ? LEAST_AFTER_MISS : LEAST);
  }

  /** @returns {number} ms, less than the duration of two segments */
  wait_ms(now_ms) {
    if (this.#segment_ms === 0 || now_ms - this.#heard_ms > LONGEST_SILENCE * this.#segment_ms) return 0;
    const from_ms = Math.max(now_ms, this.#earliest_ms);
    if (this.#isMissed) return from_ms - now_ms;
    // How long ago the newest of the moments was at which a segment was due.
    const late_ms = (from_ms - this.#due_ms) % this.#segment_ms;
    const past_ms = late_ms < 0 ? late_ms + this.#segment_ms : late_ms;
    const isOnTime = past_ms <= TOLERANCE * this.#segment_ms;
    return from_ms - now_ms + (isOnTime ? 0 : this.#segment_ms - past_ms);
  }
}
