// The keys of the page: what a viewer may press, and what it does.
// In: the name of a key, as KeyboardEvent.key has it. Out: the name of a wish of view.js. Pure; nothing to end.

/**
 * All of them, in the order in which the help lists them. `wish` is null for what the browser itself does.
 * @type {readonly {keys: string[], what: string, wish: ?string}[]}
 */
export const KEYS = Object.freeze([
  { keys: [' ', 'k'], what: 'Play or pause', wish: 'togglePlay' },
  { keys: ['m'], what: 'Sound on or off', wish: 'toggleSound' },
  { keys: ['c'], what: 'Captions, where the stream has some', wish: 'toggleCaptions' },
  { keys: ['f'], what: 'Full screen', wish: 'toggleFullscreen' },
  { keys: ['d'], what: 'Low latency or smooth playback', wish: 'togglePace' },
  { keys: ['l', 'End'], what: 'Go to live', wish: 'goLive' },
  { keys: ['?'], what: 'Show or close this help', wish: 'toggleHelp' },
  { keys: ['Escape'], what: 'Close this help, leave full screen', wish: null },
]);

const NAMES = { ' ': 'Space', Escape: 'Esc' };

/** @param {string} key @returns {?string} the wish; also with Caps Lock */
export function wishOf(key) {
  const pressed = key.length === 1 ? key.toLowerCase() : key;
  return KEYS.find(({ keys }) => keys.includes(pressed))?.wish ?? null;
}

/** @returns {string} what stands on the key */
export function keyName(key) {
  return NAMES[key] ?? (key.length === 1 ? key.toUpperCase() : key);
}
