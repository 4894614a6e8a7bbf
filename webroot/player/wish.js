// What the viewer wished the last time, kept by the browser.
// In: a wish. Out: the same one at the next visit. A browser that keeps nothing forgets it; nothing to end.

const KEY = 'livedir.pace';

/** @returns {'fast'|'smooth'} */
export function rememberedWish() {
  try {
    return localStorage.getItem(KEY) === 'smooth' ? 'smooth' : 'fast';
  } catch {
    return 'fast';
  }
}

/** @param {'fast'|'smooth'} wish */
export function rememberWish(wish) {
  try {
    localStorage.setItem(KEY, wish);
  } catch {
    // Storage is full or forbidden: the wish holds as long as the page.
  }
}
