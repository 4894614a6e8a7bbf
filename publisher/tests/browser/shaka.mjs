// A second low-latency player, by other people: Shaka Player plays a list in a headless Chromium.
//
//   node shaka.mjs URL [--seconds 10] [--within 45]
//
// It plays URL, a low-latency playlist, and ends well when SECONDS of picture were shown, WITHIN so many seconds, out of
// parts: whole segments alone would not do.
//
// stdout: one JSON line {event: ok | failed, error, played_s, latency_s, parts, held, segments}: the last three count answers; exit status 0 or 1.

import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true, options: { seconds: { type: 'string', default: '10' }, within: { type: 'string', default: '45' } },
});
const asked = { url: positionals[0], seconds: Number(values.seconds), within_s: Number(values.within) };

const browser = await launchBrowser();
let outcome;
try {
  outcome = await play(browser);
} catch (error) {
  outcome = { event: 'failed', reason: error.message.split('\n')[0] };
}
await browser.close();
process.stdout.write(`${JSON.stringify(outcome)}\n`);
process.exitCode = outcome.event === 'ok' ? 0 : 1;

async function play(browser) {
  const page = await browser.newPage();
  const fetched = { parts: 0, held: 0, segments: 0 };
  page.on('requestfinished', (request) => {
    const { pathname, search } = new URL(request.url());
    if (/\.p\d+\.ts$/.test(pathname)) fetched.parts += 1;
    else if (pathname.endsWith('.ts')) fetched.segments += 1;
    else if (search.includes('_HLS_part=')) fetched.held += 1;
  });
  await page.setContent('<video muted autoplay></video>');
  await page.addScriptTag({ path: new URL('node_modules/shaka-player/dist/shaka-player.compiled.js', import.meta.url).pathname });
  const shown = await page.evaluate(playInPage, asked);
  const isGood = shown.error === null && shown.played_s >= asked.seconds && fetched.parts > 0 && fetched.held > 0;
  return { event: isGood ? 'ok' : 'failed', ...shown, ...fetched };
}

/** Runs in the page. */
async function playInPage({ url, seconds, within_s }) {
  const video = document.querySelector('video');
  const player = new window.shaka.Player();
  let error = null;
  // What the player can go on after, it is left to go on after.
  player.addEventListener('error', ({ detail }) => {
    if (detail.severity === window.shaka.util.Error.Severity.CRITICAL) error ??= `${detail.category}/${detail.code}`;
  });
  try {
    await player.attach(video);
    player.configure({ streaming: { lowLatencyMode: true } });
    await player.load(url);
  } catch (thrown) {
    error = String(thrown.message ?? thrown);
  }
  // Only what the picture itself advances is counted: leaps are not playing.
  let played_s = 0;
  let before_s = video.currentTime;
  const until_ms = performance.now() + within_s * 1000;
  while (error === null && played_s < seconds && performance.now() < until_ms) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    const advanced_s = video.currentTime - before_s;
    if (advanced_s > 0 && advanced_s < 1) played_s += advanced_s;
    before_s = video.currentTime;
  }
  const latency_s = (Date.now() - player.getPlayheadTimeAsDate().getTime()) / 1000;
  return { error, played_s: Number(played_s.toFixed(2)), latency_s, isLive: player.isLive() };
}
