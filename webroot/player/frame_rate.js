// Pictures shown a second, from the running count of frames.
// In: (time, frames so far). Out: a rate over the last seconds, or null while too little is known. Pure; nothing to end.

const LOOK_BACK_MS = 3000;

export class FrameRate {
  #counts = [];

  /** @returns {?number} frames a second */
  at(now_ms, frames) {
    const newest = this.#counts.at(-1);
    // A new player counts from 0, and its time runs from its first frame.
    if (newest && (frames < newest.frames || newest.frames === 0)) this.#counts = [];
    this.#counts.push({ now_ms, frames });
    while (now_ms - this.#counts[0].now_ms > LOOK_BACK_MS) this.#counts.shift();
    const oldest = this.#counts[0];
    const elapsed_ms = now_ms - oldest.now_ms;
    return elapsed_ms < LOOK_BACK_MS / 2 ? null : ((frames - oldest.frames) * 1000) / elapsed_ms;
  }
}
