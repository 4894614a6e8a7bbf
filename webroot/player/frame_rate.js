// The stream's pictures a second, from those that are shown.
// In: each shown picture: its media time, the count of pictures so far, the time. Out: a rate over the last seconds of
// media, or null while too little is known. Pure; nothing to end.
//
// Media time, not that of the wall: while the player catches up, more pictures are shown a second than the stream has.

const LOOK_BACK_S = 3;
// Media time cannot advance faster than this without a seek: the fastest playback, plus the error of a late report.
const FASTEST = 2;
const LATE_S = 0.25;

export class FrameRate {
  #shown = [];
  #count = 0;

  /** @param {{media_s: number, count: number, now_ms: number}} picture count: of pictures so far, as the browser has it */
  saw({ media_s, count, now_ms }) {
    const newest = this.#shown.at(-1);
    // WebKit restarts the count at each change of the playback rate: then this picture counts as one.
    const more = count >= this.#count ? count - this.#count : 1;
    const picture = { media_s, now_ms, frames: (newest?.frames ?? 0) + more };
    this.#count = count;
    if (newest && isLeap(newest, picture)) this.forget();
    this.#shown.push(picture);
    while (picture.media_s - this.#shown[0].media_s > LOOK_BACK_S) this.#shown.shift();
  }

  /** Of the stream, a second; null also where the browser counts no pictures. @returns {?number} */
  rate() {
    if (this.#shown.length < 2) return null;
    const [oldest, newest] = [this.#shown[0], this.#shown.at(-1)];
    const [media_s, frames] = [newest.media_s - oldest.media_s, newest.frames - oldest.frames];
    return media_s < LOOK_BACK_S / 2 || frames === 0 ? null : frames / media_s;
  }

  /** Pictures that are shown to nobody are not counted by all browsers. */
  forget() {
    this.#shown = [];
  }
}

/** Of a new player, or one that leaves pictures out. */
function isLeap(before, now) {
  const media_s = now.media_s - before.media_s;
  const wall_s = (now.now_ms - before.now_ms) / 1000;
  return media_s < 0 || media_s > FASTEST * wall_s + LATE_S;
}
