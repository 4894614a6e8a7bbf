// How far the page is behind the camera, picture by picture: by the playlist's dates, and by the clock in the picture.
//
//   node latency.mjs URL [--seconds 60] [--settle 10] [--pace fast|smooth] [--start-within 60]
//
// It opens URL in a headless Chromium of its own, waits until the page has been live for SETTLE seconds, and then, for
// SECONDS, notes down each picture at the moment in which the browser hands it to the screen: the time, its date by
// EXT-X-PROGRAM-DATE-TIME, and the clock that the test pattern draws into it. The clocks are those of one machine.
//
// stdout: one JSON line {
//   pace, seconds, pictures,
//   dated: {median_s, p99_s, max_s},      time − PROGRAM-DATE-TIME of the picture
//   drawn: {median_s, p99_s, max_s},      time − clock in the picture; null for another source than the test pattern
//   apart: {median_s, max_s},             of the same picture, drawn − dated; max_s is the farthest from 0, with its sign
//   page_median_s,                        what the page itself says, asked four times a second
//   stalls, recoveries, longest_still_s,  the longest time between two pictures
//   played_s, faster_share                of the time, how much was played faster than it was filmed
// }; exit status 1 with a line on stderr when the page does not play.

import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';
import { STRIP_CELLS, stripClock_ms } from './strip.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    settle: { type: 'string', default: '10' },
    pace: { type: 'string', default: 'fast' },
    'start-within': { type: 'string', default: '60' },
  },
});
const asked = { url: positionals[0], pace: values.pace, seconds: Number(values.seconds), settle_s: Number(values.settle) };
const timeout = Number(values['start-within']) * 1000;
const browser = await launchBrowser();
try {
  const seen = await watch(await browser.newPage({ viewport: { width: 800, height: 600 } }));
  process.stdout.write(`${JSON.stringify(figures(seen))}\n`);
} catch (error) {
  process.stderr.write(`latency.mjs: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function watch(page) {
  await page.addInitScript((wish) => localStorage.setItem('livedir.pace', wish), asked.pace);
  await page.goto(asked.url, { timeout });
  const isLive = (wanted) => window.livedir?.pace === wanted && window.livedir.state === 'live';
  await page.waitForFunction(isLive, asked.pace, { timeout });
  await page.waitForTimeout(asked.settle_s * 1000);
  return page.evaluate(watchPictures, { cells: STRIP_CELLS, duration_ms: asked.seconds * 1000 });
}

function figures({ pictures, page_s, ...counts }) {
  const dated = pictures.filter(({ dated_ms }) => dated_ms !== null);
  if (dated.length === 0) throw new Error('no picture with a date; does the playlist have EXT-X-PROGRAM-DATE-TIME?');
  const drawn = dated.map((picture) => ({ ...picture, drawn_ms: stripClock_ms(picture.cells, picture.at_ms) }));
  const read = drawn.filter(({ drawn_ms }) => drawn_ms !== null);
  const apart_s = read.map(({ dated_ms, drawn_ms }) => (dated_ms - drawn_ms) / 1000);
  return {
    pace: asked.pace,
    seconds: asked.seconds,
    pictures: pictures.length,
    dated: spread(dated.map(({ at_ms, dated_ms }) => (at_ms - dated_ms) / 1000)),
    drawn: spread(read.map(({ at_ms, drawn_ms }) => (at_ms - drawn_ms) / 1000)),
    apart: read.length === 0 ? null : { median_s: share(apart_s, 0.5), max_s: rounded(apart_s.reduce(fartherFromZero)) },
    page_median_s: share(page_s, 0.5),
    ...counts,
  };
}

function spread(values_s) {
  return values_s.length === 0 ? null : { median_s: share(values_s, 0.5), p99_s: share(values_s, 0.99), max_s: share(values_s, 1) };
}

/** The value that this share of all is not above. */
function share(values, part) {
  const sorted = values.toSorted((a, b) => a - b);
  return rounded(sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN);
}

function fartherFromZero(a, b) {
  return Math.abs(b) > Math.abs(a) ? b : a;
}

function rounded(seconds) {
  return Number(seconds.toFixed(3));
}

/** Runs in the page. */
async function watchPictures({ cells, duration_ms }) {
  const video = document.querySelector('video');
  const canvas = new OffscreenCanvas(video.videoWidth, 1);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  const before = { stalls: window.livedir.stalls, recoveries: window.livedir.recoveries, currentTime: video.currentTime };
  const pictures = [];
  const page_s = [];
  let ticks = 0;
  let fasterTicks = 0;

  const readStrip = () => {
    // The middle of the lowest thirtieth of the picture.
    const row = video.videoHeight - Math.floor(video.videoHeight / 60) - 1;
    context.drawImage(video, 0, row, video.videoWidth, 1, 0, 0, canvas.width, 1);
    const { data } = context.getImageData(0, 0, canvas.width, 1);
    // Green says enough of black and white.
    return Array.from({ length: cells }, (_, cell) => data[4 * Math.floor(((2 * cell + 1) * canvas.width) / (2 * cells)) + 1]);
  };
  // The page's date belongs to the playhead of the same moment; from there to the picture it is the same clock.
  const dateOf = (mediaTime_s) => {
    const { shownDate, currentTime } = window.livedir;
    return shownDate === null ? null : Date.parse(shownDate) + (mediaTime_s - currentTime) * 1000;
  };

  const until_ms = performance.now() + duration_ms;
  await new Promise((resolve) => {
    let last = null;
    const asking = setInterval(() => {
      const { latency_s } = window.livedir;
      if (window.livedir !== last && latency_s !== null) page_s.push(latency_s);
      last = window.livedir;
      ticks += 1;
      if (video.playbackRate > 1) fasterTicks += 1;
      // Also where the picture stands, and no further one comes.
      if (performance.now() < until_ms) return;
      clearInterval(asking);
      resolve();
    }, 50);
    const note = (_, { mediaTime }) => {
      pictures.push({ at_ms: Date.now(), dated_ms: dateOf(mediaTime), cells: readStrip() });
      if (performance.now() < until_ms) video.requestVideoFrameCallback(note);
    };
    video.requestVideoFrameCallback(note);
  });
  const stills_ms = pictures.slice(1).map(({ at_ms }, n) => at_ms - pictures[n].at_ms);
  return {
    pictures, page_s,
    stalls: window.livedir.stalls - before.stalls,
    recoveries: window.livedir.recoveries - before.recoveries,
    longest_still_s: Math.max(0, ...stills_ms) / 1000,
    played_s: Number((video.currentTime - before.currentTime).toFixed(2)),
    faster_share: Number((fasterTicks / ticks).toFixed(3)),
  };
}
