// Closed captions: which the stream carries, and which the viewer sees.
// In: the video element, whose text tracks caption_tracks.js or the browser makes of what the stream carries; a press of a key or a button.
// Out: the names of the tracks, and of the one that is shown. A track is made when something is said on it. No timer: main.js calls.

const KINDS = new Set(['captions', 'subtitles']);

/** @param {string[]} names of tracks that are there @param {?string} wish @returns {?string} the one to show: the wished one, or another */
export function shownOf(names, wish) {
  if (wish === null || names.length === 0) return null;
  return names.includes(wish) ? wish : names[0];
}

/** @returns {?string} what a press leads to: each in turn, then none */
export function nextWish(names, wish) {
  const shown = shownOf(names, wish);
  return shown === null ? names[0] ?? null : names[names.indexOf(shown) + 1] ?? null;
}

export class Captions {
  #video;
  #wish;

  /** @param {HTMLVideoElement} video @param {?string} wish the name of a track; null for none */
  constructor(video, wish) {
    this.#video = video;
    this.#wish = wish;
  }

  /** The names of the tracks, in order. */
  names() {
    return [...new Set(this.#tracks().map(nameOf))].sort();
  }

  /** The name of the one that is shown; null for none. */
  shown() {
    return shownOf(this.names(), this.#wish);
  }

  /** @returns {?string} the wish after a press */
  press() {
    this.#wish = nextWish(this.names(), this.#wish);
    this.apply();
    return this.#wish;
  }

  /** Shows what is wished on tracks that may have come since. */
  apply() {
    const shown = this.shown();
    for (const track of this.#tracks()) {
      const mode = nameOf(track) === shown ? 'showing' : 'hidden';
      if (track.mode !== mode) track.mode = mode;
    }
  }

  #tracks() {
    return Array.from(this.#video.textTracks ?? []).filter(({ kind }) => KINDS.has(kind));
  }
}

function nameOf({ label, language }) {
  return label || language || 'CC';
}
