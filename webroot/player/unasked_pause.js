// Whether a video that stands paused is to be played again. Browsers pause by themselves between play() and the first picture that
// moves, as WebKitGTK does now and then; no viewer asked for that. A pause after that may be the viewer's, who has media keys too.
// In: calls of play(), wishes of the viewer, and what the video says, look by look. Out: whether to play again. Pure; nothing to end.

// A browser that pauses so often wants the viewer to press the button.
const TRIES = 3;

export class UnaskedPause {
  #isStarting = false;
  #tries = 0;
  #asked_s = 0;

  /** The page has asked for a picture. @param {number} position_s of the video */
  asked(position_s) {
    this.#isStarting = true;
    this.#tries = 0;
    this.#asked_s = position_s;
  }

  /** The viewer has asked for a pause. */
  pausedByViewer() {
    this.#isStarting = false;
  }

  /**
   * @param {{position_s: number, paused: boolean, seeking: boolean, canShow: boolean}} video canShow: it has a picture to show
   * @returns {boolean} whether its pause is nobody's wish, and it is to be played again now
   */
  look({ position_s, paused, seeking, canShow }) {
    if (!this.#isStarting) return false;
    if (paused) {
      // Where nothing is loaded before the viewer presses the button, none comes.
      if (!canShow) return false;
      if (this.#tries === TRIES) this.#isStarting = false;
      else this.#tries += 1;
      return this.#isStarting;
    }
    // A player that seeks to where it starts has not played.
    if (seeking || !canShow) this.#asked_s = position_s;
    else if (position_s > this.#asked_s) this.#isStarting = false;
    return false;
  }
}
