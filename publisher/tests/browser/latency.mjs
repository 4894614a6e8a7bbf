// How far the page is behind the camera: the distribution of now − PROGRAM-DATE-TIME of the shown picture.
//
//   node latency.mjs URL [--seconds 60] [--settle 10] [--pace fast|smooth]
//
// It opens URL in a headless Chromium of its own, waits until the picture has moved for SETTLE seconds, and then writes down
// what the page says four times a second for SECONDS. The clocks are those of one machine.
//
// stdout: one JSON line {pace, seconds, samples, median_s, p99_s, max_s, stalls, recoveries, played_s}; exit status 1 with
// a line on stderr when the page does not play.

import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

const START_WITHIN_MS = 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seconds: { type: 'string', default: '60' }, settle: { type: 'string', default: '10' }, pace: { type: 'string', default: 'fast' } },
});
const browser = await launchBrowser();
try {
  const figures = await measure(browser, { url: positionals[0], pace: values.pace, seconds: Number(values.seconds), settle_s: Number(values.settle) });
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} catch (error) {
  process.stderr.write(`latency.mjs: ${error.message.split('\n')[0]}\n`);
  process.exitCode = 1;
} finally {
  await browser.close();
}

async function measure(browser, { url, pace, seconds, settle_s }) {
  const page = await browser.newPage({ viewport: { width: 800, height: 600 } });
  await page.addInitScript((wish) => localStorage.setItem('livedir.pace', wish), pace);
  await page.goto(url, { timeout: START_WITHIN_MS });
  await page.waitForFunction((wanted) => window.livedir?.pace === wanted && window.livedir.state === 'live', pace, { timeout: START_WITHIN_MS });
  await page.waitForTimeout(settle_s * 1000);
  const seen = await page.evaluate(watchPage, seconds * 1000);
  const latencies_s = seen.latencies_s.toSorted((a, b) => a - b);
  if (latencies_s.length === 0) throw new Error('the page shows no date; does the playlist have EXT-X-PROGRAM-DATE-TIME?');
  const at = (share) => latencies_s[Math.min(latencies_s.length - 1, Math.floor(latencies_s.length * share))];
  return {
    pace, seconds, samples: latencies_s.length, median_s: at(0.5), p99_s: at(0.99), max_s: at(1), stalls: seen.stalls,
    recoveries: seen.recoveries, played_s: seen.played_s,
  };
}

/** Runs in the page. */
async function watchPage(duration_ms) {
  const video = document.querySelector('video');
  const before = { stalls: window.livedir.stalls, recoveries: window.livedir.recoveries, currentTime: video.currentTime };
  const latencies_s = [];
  const until_ms = performance.now() + duration_ms;
  let last = null;
  while (performance.now() < until_ms) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    if (window.livedir !== last && window.livedir.latency_s !== null) latencies_s.push(window.livedir.latency_s);
    last = window.livedir;
  }
  return {
    latencies_s, stalls: window.livedir.stalls - before.stalls, recoveries: window.livedir.recoveries - before.recoveries,
    played_s: Number((video.currentTime - before.currentTime).toFixed(2)),
  };
}
