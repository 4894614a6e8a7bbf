// Everything that is seen and touched, except the moving picture itself.
// In: snapshots; clicks, taps and keys. Out: the page; calls of the wishes it was given. Lives as long as the page.

import { fillHelp } from './help.js';
import { wishOf } from './keys.js';
import { openLevelMeter } from './level_meter.js';
import { announcement, captionsTitle, facts, label, message, operatorHint, paceTitle } from './words.js';

const MOVING = new Set(['live', 'behind']);
const FIGURES_EVERY_MS = 1000;

const el = (id) => document.getElementById(id);

/**
 * @param {HTMLVideoElement} video
 * @param {{togglePlay: () => void, toggleSound: () => void, toggleCaptions: () => void, togglePace: () => void, goLive: () => void, isOperator: boolean}} wishes
 *   what a viewer may want · isOperator: whoever looks can do something about the stream
 */
export function openView(video, wishes) {
  const still = el('still');
  const meter = openLevelMeter(video, el('meter'));
  let before = { state: null };
  let figures_ms = -Infinity;
  bind(video, wishes);

  return {
    render(snapshot) {
      const { state } = snapshot;
      if (state !== before.state || snapshot.why !== before.why || snapshot.isSoundAlone !== before.isSoundAlone) renderState(snapshot, wishes.isOperator);
      // The last picture stays under the message, unless there is none to wait for.
      if (state === 'waiting' && before.state !== 'waiting') clear(still);
      if (snapshot.width > 0) document.querySelector('main').style.setProperty('--ratio', String(snapshot.width / snapshot.height));
      if (state !== before.state || performance.now() - figures_ms >= FIGURES_EVERY_MS) {
        figures_ms = performance.now();
        renderFacts(snapshot);
      }
      renderControls(snapshot);
      document.body.classList.toggle('sound-alone', snapshot.isSoundAlone);
      meter.show(snapshot.isSoundAlone && (MOVING.has(state) || state === 'paused'));
      before = snapshot;
    },
    /** A gesture of the viewer has turned the sound on. */
    hear: () => void meter.hear(),
    /** Keeps the picture on screen while a new player is built. */
    holdPicture() {
      if (video.videoWidth === 0 || video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) return;
      still.width = video.videoWidth;
      still.height = video.videoHeight;
      still.getContext('2d').drawImage(video, 0, 0);
    },
  };
}

function renderState(snapshot, isOperator) {
  document.body.dataset.state = snapshot.state;
  const content = snapshot.isSoundAlone ? 'sound' : 'picture';
  setAttribute(el('stage'), 'aria-label', `Live ${content}`);
  el('label').textContent = label(snapshot);
  const { headline, hint } = message(snapshot);
  el('headline').textContent = headline;
  el('hint').replaceChildren(...withCode(hint));
  const forOperator = operatorHint(snapshot);
  el('operator').replaceChildren(...withCode(isOperator ? forOperator : ''));
  // Elsewhere it is found by those who look for it.
  if (forOperator !== '' && !isOperator) console.info(`livedir: ${forOperator}`);
  el('announcer').textContent = announcement(snapshot);
  document.title = snapshot.state === 'live' ? '● livedir' : 'livedir';
}

function renderFacts(snapshot) {
  const moving = MOVING.has(snapshot.state);
  for (const [name, text] of Object.entries(facts(snapshot))) {
    // Figures of a picture that stands still would be stale: only its size stays true.
    setText(el(`fact-${name}`), moving || name === 'size' ? text : '');
  }
}

function renderControls({ state, muted, hasSound, pace, canBeFast, captions, shownCaptions }) {
  const silent = hasSound === false;
  el('go-live').hidden = state !== 'behind';
  el('unmute').hidden = !muted || silent || !MOVING.has(state);
  el('resume').hidden = state !== 'paused';
  el('sound').hidden = silent;
  setAttribute(el('sound'), 'aria-pressed', String(!muted));
  document.body.classList.toggle('muted', muted);
  el('captions').hidden = captions.length === 0;
  setAttribute(el('captions'), 'aria-pressed', String(shownCaptions !== null));
  setAttribute(el('captions'), 'title', captionsTitle(captions, shownCaptions));
  el('pace').hidden = !canBeFast;
  setAttribute(el('pace'), 'aria-pressed', String(pace === 'fast'));
  setAttribute(el('pace'), 'title', paceTitle(pace));
  setAttribute(el('play'), 'aria-label', state === 'paused' ? 'Play' : 'Pause');
  el('play').disabled = !MOVING.has(state) && state !== 'paused';
}

function bind(video, wishes) {
  el('play').addEventListener('click', wishes.togglePlay);
  el('sound').addEventListener('click', wishes.toggleSound);
  el('captions').addEventListener('click', wishes.toggleCaptions);
  el('pace').addEventListener('click', wishes.togglePace);
  el('resume').addEventListener('click', wishes.togglePlay);
  el('unmute').addEventListener('click', wishes.toggleSound);
  el('go-live').addEventListener('click', wishes.goLive);
  video.addEventListener('click', () => (video.muted ? wishes.toggleSound() : wishes.togglePlay()));
  // An iPhone gives full screen to the video element alone.
  const fullscreen = el('stage').requestFullscreen ? toggleFullscreen : () => video.webkitEnterFullscreen?.();
  el('fullscreen').addEventListener('click', fullscreen);
  el('fullscreen').hidden = !document.fullscreenEnabled && !video.webkitEnterFullscreen;

  const help = fillHelp(el('help'));
  el('keys').addEventListener('click', help.toggle);
  const all = { ...wishes, toggleFullscreen: fullscreen, toggleHelp: help.toggle };
  document.addEventListener('keydown', (event) => {
    const wish = wishOf(event.key);
    const onButton = event.target instanceof HTMLButtonElement && event.key === ' ';
    const isElsewhere = el('help').open && wish !== 'toggleHelp';
    if (!wish || onButton || isElsewhere || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    all[wish]();
  });
}

function toggleFullscreen() {
  // A refusal leaves the page as it is.
  const asked = document.fullscreenElement ? document.exitFullscreen() : el('stage').requestFullscreen();
  asked.catch(() => {});
}

/** `code` in backquotes becomes an element. */
function withCode(text) {
  return text.split('`').map((piece, index) => {
    if (index % 2 === 0) return piece;
    const code = document.createElement('code');
    code.textContent = piece;
    return code;
  });
}

function clear(canvas) {
  canvas.width = 0;
}

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function setAttribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}
