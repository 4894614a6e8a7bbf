// Text tracks for the captions that hls.js finds.
// In: what hls.js found and parsed; the video element. Out: its text tracks, with their cues. hls.js would make `track` elements whose address
// is data:, which the page's policy forbids. A browser cannot take such a track away: close() empties it, and the next player fills it again.

// Cues of what was played longer ago are let go: a page may stay open for weeks.
const KEEP_S = 30;

// Times that are the same, but for rounding.
const NEAR_S = 0.001;

export class CaptionTracks {
  #video;
  // By the names that hls.js gives them.
  #tracks = new Map();

  /** @param {HTMLVideoElement} video */
  constructor(video) {
    this.#video = video;
  }

  /** Something was said on these for the first time. */
  found({ tracks }) {
    for (const { _id, label, kind } of tracks) {
      if (kind === 'captions') this.#tracks.set(_id, this.#track(label));
    }
  }

  /** These are to be shown on one of them. */
  parsed({ type, track, cues }) {
    const textTrack = type === 'captions' ? this.#tracks.get(track) : null;
    if (!textTrack) return;
    const played = Array.from(textTrack.cues).filter(({ endTime }) => endTime < this.#video.currentTime - KEEP_S);
    played.forEach((cue) => textTrack.removeCue(cue));
    for (const cue of cues) {
      const same = Array.from(textTrack.cues).filter((other) => isSame(cue, other));
      const before = same.find(({ endTime }) => isNear(endTime, cue.startTime));
      // What is loaded a second time, in another size for example, is said once.
      if (same.some((other) => isWithin(cue, other))) continue;
      // It comes in pieces, a part at a time.
      if (before) before.endTime = cue.endTime;
      else textTrack.addCue(cue);
    }
  }

  close() {
    for (const track of this.#tracks.values()) {
      Array.from(track.cues).forEach((cue) => track.removeCue(cue));
    }
    this.#tracks.clear();
  }

  #track(label) {
    const isThere = (track) => track.kind === 'captions' && track.label === label;
    const track = Array.from(this.#video.textTracks).find(isThere) ?? this.#video.addTextTrack('captions', label);
    // A track that is disabled has no cues.
    if (track.mode === 'disabled') track.mode = 'hidden';
    return track;
  }
}

function isSame(cue, other) {
  return cue.text === other.text && cue.line === other.line && cue.position === other.position;
}

function isWithin(cue, other) {
  return other.startTime <= cue.startTime + NEAR_S && other.endTime >= cue.endTime - NEAR_S;
}

function isNear(one_s, other_s) {
  return Math.abs(one_s - other_s) < NEAR_S;
}
