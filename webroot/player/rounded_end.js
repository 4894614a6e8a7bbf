// Mends a place where hls.js 1.7 stops loading the sound of a ladder. A browser rounds the end of its buffer, Chromium to whole samples,
// so that it may lie a little before the end of the last part. A player that joined in the middle of a segment then takes that segment
// for unfinished, as its first part was never loaded, and asks for nothing more.
// In: hls.js's controller of sound. Out: the same one, which takes such an end for that of the part. Pure; no thread, nothing to end.

// A sample at 8 kHz lasts 0.125 ms, and a frame of AAC at 96 kHz 11 ms; hls.js itself forgives 1.5 µs.
const ROUNDED_S = 0.001;

/** @param {number} at_s in the buffer @param {{end: number, loaded: boolean}[]} parts @returns {number} */
export function unrounded_s(at_s, parts) {
  const part = parts.find(({ end, loaded }) => loaded && at_s < end && end - at_s < ROUNDED_S);
  return part?.end ?? at_s;
}

/** @param {?Function} Controller hls.js's AudioStreamController; its smallest build has none */
export function soundThatGoesOn(Controller) {
  return Controller && class extends Controller {
    getFragmentAtPosition(bufferEnd_s, end_s, details) {
      return super.getFragmentAtPosition(unrounded_s(bufferEnd_s, details.partList ?? []), end_s, details);
    }
  };
}
