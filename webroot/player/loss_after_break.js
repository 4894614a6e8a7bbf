// Whether the browser throws away what it is given after a break in the timeline, a restart of the publisher for example:
// WebKitGTK takes no more sound after a second initialisation segment, and of the picture only what follows the next
// keyframe. Whoever waits for the rest, or leaps over what is missing, shows pictures that were decoded without a keyframe.
// In: each part that was appended, with what is buffered then. Out: whether that is lost. Pure; no thread, nothing to end.

// Where to look in a part: its sound ends a little before or after its picture.
const LOOKED_AT = 1 / 4;
// A single part may be all hole.
const PARTS_TO_BE_SURE = 2;

export class LossAfterBreak {
  #first = null;
  #missing = {};

  /**
   * @param {{timeline: number, type: string, start_s: number, duration_s: number, buffered: {start_s: number, end_s: number}[]}} part
   *   timeline: its discontinuity sequence number · type: sound, picture or both · buffered: what the browser has of this type
   * @returns {boolean} once, when it is certain
   */
  appended({ timeline, type, start_s, duration_s, buffered }) {
    this.#first ??= timeline;
    // With the first one nothing was there that could be broken.
    if (timeline === this.#first) return false;
    const at_s = start_s + LOOKED_AT * duration_s;
    const isThere = buffered.some((range) => range.start_s <= at_s && at_s <= range.end_s);
    this.#missing[type] = isThere ? 0 : (this.#missing[type] ?? 0) + 1;
    return this.#missing[type] === PARTS_TO_BE_SURE;
  }
}
