// What the viewer wished the last time, of latency and of captions, kept by the browser.
// In: a wish. Out: the same one at the next visit. A browser that keeps nothing forgets it; nothing to end.

const KEY = 'livedir.pace';
const CAPTIONS_KEY = 'livedir.captions';

/** @returns {'fast'|'smooth'} */
export function rememberedWish() {
  return read(KEY) === 'smooth' ? 'smooth' : 'fast';
}

/** @param {'fast'|'smooth'} wish */
export function rememberWish(wish) {
  write(KEY, wish);
}

/** @returns {?string} the name of the track of captions; null for none */
export function rememberedCaptions() {
  return read(CAPTIONS_KEY) || null;
}

/** @param {?string} name */
export function rememberCaptions(name) {
  write(CAPTIONS_KEY, name ?? '');
}

function read(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key, wish) {
  try {
    localStorage.setItem(key, wish);
  } catch {
    // Storage is full or forbidden: the wish holds as long as the page.
  }
}
