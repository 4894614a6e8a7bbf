// How loud a stream of sound alone is, as bars.
// In: the video element; a gesture of the viewer. Out: bars on a canvas, from quiet to loud for each band of pitch.
//
// Web Audio hears the element from the first gesture that turns the sound on: browsers let no page begin before one. An element
// that is once connected is heard through Web Audio alone, so it is connected when that runs, and never else. Where a browser
// does not let Web Audio hear the stream, as Safari with its own HLS, the bars stay low and the sound is as it was.

import { levels } from './levels.js';

/** Bands of pitch that are shown. */
const BARS = 32;
/** Of the room for a bar, so much is filled. */
const FILLED = 0.62;

/** @param {HTMLVideoElement} video @param {HTMLCanvasElement} canvas */
export function openLevelMeter(video, canvas) {
  const AudioContext = window.AudioContext ?? window.webkitAudioContext;
  const isStill = window.matchMedia('(prefers-reduced-motion: reduce)');
  let context = null;
  let analyser = null;
  let spectrum = null;
  let shown = new Array(BARS).fill(0);
  let isShown = false;

  // A telephone call suspends Web Audio, and with it the sound.
  video.addEventListener('playing', () => {
    if (analyser) context.resume().catch(() => {});
  });

  function draw() {
    if (!isShown) return;
    requestAnimationFrame(draw);
    if (canvas.width !== canvas.clientWidth || canvas.height !== canvas.clientHeight) {
      canvas.width = canvas.clientWidth;
      canvas.height = canvas.clientHeight;
    }
    if (analyser) analyser.getByteFrequencyData(spectrum);
    shown = levels({ spectrum: video.paused || video.muted ? null : spectrum, before: shown, isStill: isStill.matches });
    paint(canvas, shown);
  }

  return {
    /** To be called from a gesture of the viewer that turns the sound on. */
    async hear() {
      if (!AudioContext) return;
      context ??= new AudioContext();
      // A browser that refuses leaves the sound as it is.
      await context.resume().catch(() => {});
      if (analyser || context.state !== 'running') return;
      const source = context.createMediaElementSource(video);
      analyser = context.createAnalyser();
      analyser.fftSize = 1024;
      spectrum = new Uint8Array(analyser.frequencyBinCount);
      source.connect(context.destination);
      source.connect(analyser);
    },
    /** @param {boolean} wanted */
    show(wanted) {
      if (wanted === isShown) return;
      isShown = wanted;
      canvas.hidden = !wanted;
      if (wanted) requestAnimationFrame(draw);
    },
  };
}

function paint(canvas, bars) {
  const { width, height } = canvas;
  const context = canvas.getContext('2d');
  context.clearRect(0, 0, width, height);
  context.fillStyle = getComputedStyle(canvas).color;
  const room = width / bars.length;
  bars.forEach((level, bar) => {
    // A bar of silence is seen, too.
    const tall = Math.max(2, level * height);
    context.fillRect(room * (bar + (1 - FILLED) / 2), (height - tall) / 2, room * FILLED, tall);
  });
}
