// The page in the browser that a test names, in the same few words for each of them.
// In: the browser's name, the size of the window, `hear`, which takes what the page says. Out: {goto, evaluate, screenshot, close};
// close() ends the browser and removes its profile. A browser that answers no more is a NoAnswer.

import { openChromium } from './engines/chromium.mjs';
import { openFirefox } from './engines/firefox.mjs';
import { openWebKit } from './engines/webkit.mjs';

export { NoAnswer } from './engines/webkit.mjs';

export const ENGINES = { chromium: openChromium, firefox: openFirefox, webkit: openWebKit };

/**
 * @param {'chromium'|'firefox'|'webkit'} name
 * @param {{viewport: {width: number, height: number}, hear: {console: (text: string) => void, trouble: (text: string) => void}}} words
 *   hear.trouble: an error in the page, or an address elsewhere that it loads from. WebKitGTK's driver tells neither, and no console
 */
export function openPage(name, words) {
  return ENGINES[name](words);
}
