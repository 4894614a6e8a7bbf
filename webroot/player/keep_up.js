// How fast to play to stay close to the live edge: a little faster when behind, without seeking or stopping.
// In: distances, stalls, the time. Out: a playback rate. Pure; no thread, nothing to end.

// Half as fast again is well understood in speech; a twentieth is not heard.
const FASTEST = { fast: 1.5, smooth: 1.05 };
const SLOWEST = 0.95;
// Playlists come a part at a time, so that the distance is never known better than this.
const TOLERATED_S = 0.06;
// A stall shows that the network needs a larger buffer; after a quiet time a smaller one is tried again.
const STALL_MARGIN_PARTS = 1;
// With very short parts, PART-HOLD-BACK is shorter than the pauses that a browser itself makes now and then.
const LEAST_BEHIND_S = 0.5;
const CALM_MS = { fast: 30_000, smooth: 300_000 };

/** @returns {number} so far behind counts as close to the live edge */
export function closeToLive_s(target_s) {
  return Math.max(2, target_s);
}

export class KeepUp {
  #pace;
  #margin_s = 0;
  #stalls = 0;
  #changed_ms = -Infinity;

  /** @param {'fast'|'smooth'} pace */
  constructor(pace) {
    this.#pace = pace;
  }

  /**
   * @param {{now_ms: number, behind_s: ?number, hold_back_s: number, byChoice: boolean, ahead_s: number, part_s: number, target_s: number, stalls: number}} at
   *   behind_s: behind where the playlist wants a player to be, which is hold_back_s from its end · byChoice: the viewer paused, and shall not lose what came
   *   meanwhile · ahead_s: in the buffer · part_s: what the list grows by at a time · stalls: so far
   * @returns {number}
   */
  rate({ now_ms, behind_s, hold_back_s, byChoice, ahead_s, part_s, target_s, stalls }) {
    this.#learn(now_ms, stalls, part_s, target_s);
    if (behind_s === null || byChoice) return 1;
    const late_s = behind_s - this.#margin_s - Math.max(0, LEAST_BEHIND_S - hold_back_s);
    // Faster only while the buffer lasts longer than the wait for the next part.
    if (late_s > TOLERATED_S && ahead_s > 1.5 * part_s) return Math.min(FASTEST[this.#pace], 1 + hundredths(late_s / 2));
    return late_s < -2 * TOLERATED_S ? SLOWEST : 1;
  }

  #learn(now_ms, stalls, part_s, target_s) {
    if (stalls > this.#stalls) {
      this.#margin_s = Math.min(this.#margin_s + STALL_MARGIN_PARTS * part_s, target_s);
      this.#changed_ms = now_ms;
    } else if (this.#margin_s > 0 && now_ms - this.#changed_ms > CALM_MS[this.#pace]) {
      this.#margin_s = Math.max(0, this.#margin_s - STALL_MARGIN_PARTS * part_s);
      this.#changed_ms = now_ms;
    }
    this.#stalls = stalls;
  }
}

function hundredths(value) {
  return Math.round(value * 100) / 100;
}
