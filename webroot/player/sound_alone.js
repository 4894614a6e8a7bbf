// Whether the stream has sound and no picture.
// In: looks at the video element, four times a second. Out: whether there is sound alone. Pure.
//
// Browsers tell the size of a picture as soon as they can play; until then 0 by 0 means nothing.

/** Sound plays so long without a picture before the stream counts as sound alone. */
const HEARD_MS = 500;

export class SoundAlone {
  #since_ms = null;
  #isAlone = false;

  /** @param {{now_ms: number, width: number, canPlay: boolean, hasPicture: ?boolean}} look hasPicture: as the engine knows it */
  look({ now_ms, width, canPlay, hasPicture }) {
    if (width > 0 || hasPicture === true) {
      this.#since_ms = null;
      this.#isAlone = false;
    } else if (hasPicture === false) {
      this.#isAlone = true;
    } else if (canPlay) {
      this.#since_ms ??= now_ms;
      this.#isAlone ||= now_ms - this.#since_ms >= HEARD_MS;
    }
  }

  get isAlone() {
    return this.#isAlone;
  }
}
