// Players of other people, with their own defaults, join a low-latency list at each fifth of a segment, or in steps of a tenth.
//
//   node join.mjs URL --players shaka,videojs,hlsjs [--joins 5] [--step 2] [--seconds 15] [--within 120] [--fps 0[,…]] [--whole]
//
// As many pages of one headless Chromium open URL, one after the other, each with the next of PLAYERS: the k-th when k
// times STEP parts of the newest segment are listed.
// Each ends well when SECONDS of picture were shown WITHIN so many seconds without an error. When all have shown a second,
// `ready-for-restart` is said; then the publisher may be started again, and SECONDS are counted from there.
//
// FPS: so many frames have to be decoded in each second that is played, less a twentieth: none is left out at the ends of parts. One for
// all players, or one for each. With --whole they play segments, without it parts.
//
// stdout: JSON lines {event: ready-for-restart}, then {event: ok | failed, players: [{player, joined_at, error, played_s, decoded_fps, parts}]};
// exit status 0 or 1.
// stdin: the line `restart-done`.

import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    players: { type: 'string' }, joins: { type: 'string', default: '5' }, step: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '15' }, within: { type: 'string', default: '120' },
    fps: { type: 'string', default: '0' }, whole: { type: 'boolean', default: false },
  },
});
const [url] = positionals;
const [joins, step, seconds, within_s] = [values.joins, values.step, values.seconds, values.within].map(Number);
const players = values.players.split(',');
const fps = values.fps.split(',').map(Number);
const SCRIPTS = {
  shaka: 'node_modules/shaka-player/dist/shaka-player.compiled.js',
  videojs: 'node_modules/video.js/dist/video.min.js',
  hlsjs: '../../../webroot/player/node_modules/hls.js/dist/hls.min.js',
};

const commands = createInterface({ input: process.stdin });
const browser = await launchBrowser();
let outcome;
try {
  outcome = await play();
} catch (error) {
  outcome = { event: 'failed', reason: error.message.split('\n')[0] };
}
await browser.close();
say(outcome);
process.exit(outcome.event === 'ok' ? 0 : 1);

function say(line) {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

async function play() {
  const pages = [];
  while (pages.length < joins) pages.push(await open(players[pages.length % players.length]));
  const list = await mediaList();
  for (const [at, it] of pages.entries()) {
    it.joined_at = await newestParts(list, at * step);
    await it.page.evaluate({ shaka: startShaka, videojs: startVideoJs, hlsjs: startHlsJs }[it.player], url);
  }
  await all(pages, 1);
  say({ event: 'ready-for-restart' });
  const [line] = await once(commands, 'line');
  if (line !== 'restart-done') throw new Error(`told to ${line}`);
  await all(pages, seconds);
  const seen = [];
  for (const { page, player, joined_at, fetched } of pages) {
    const decoded = await page.evaluate(() => document.querySelector('video').getVideoPlaybackQuality().totalVideoFrames);
    const shown = await page.evaluate(() => window.shown);
    seen.push({ player, joined_at, decoded_fps: decoded / shown.played_s, ...shown, ...fetched });
  }
  const wanted = (player) => 0.95 * (fps[players.indexOf(player)] ?? fps[0]);
  const isGood = seen.every(({ player, error, played_s, parts, segments, decoded_fps }) => error === null && played_s >= seconds
    && (values.whole ? parts === 0 && segments > 0 : parts > 0) && decoded_fps >= wanted(player));
  return { event: isGood ? 'ok' : 'failed', players: seen };
}

/** Until each page has shown so much more, or has an error, or time is over. */
async function all(pages, more_s) {
  const shown = await Promise.all(pages.map(({ page }) => page.evaluate(() => window.shown.played_s)));
  const enough = pages.map(({ page }, at) => page.waitForFunction(
    (until_s) => window.shown.error !== null || window.shown.played_s >= until_s,
    shown[at] + more_s, { timeout: within_s * 1000, polling: 200 },
  ));
  await Promise.allSettled(enough);
}

/** A page with the player in it, which plays nothing as yet. */
async function open(player) {
  const page = await browser.newPage();
  const fetched = { parts: 0, segments: 0 };
  page.on('requestfinished', (request) => {
    const { pathname } = new URL(request.url());
    if (/\.p\d+\.ts$/.test(pathname)) fetched.parts += 1;
    else if (pathname.endsWith('.ts')) fetched.segments += 1;
  });
  await page.setContent('<video muted autoplay playsinline></video>');
  await page.addScriptTag({ path: new URL(SCRIPTS[player], import.meta.url).pathname });
  await page.addScriptTag({ content: String(follow) });
  return { page, player, fetched };
}

/** Waits until the newest segment has so many parts, or has begun anew: a part may be missed between two looks. */
async function newestParts(list, wanted) {
  for (let before = Infinity; ;) {
    const text = await (await fetch(list)).text();
    const listed = text.slice(text.lastIndexOf('#EXTINF')).match(/#EXT-X-PART:/g)?.length ?? 0;
    if (listed === wanted || (before < wanted && listed > wanted)) return listed;
    before = listed;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The list itself, or the first that a multivariant one names. */
async function mediaList() {
  const text = await (await fetch(url)).text();
  const variant = text.split('\n').find((line, at, lines) => lines[at - 1]?.startsWith('#EXT-X-STREAM-INF'));
  return variant ? new URL(variant, url) : url;
}

// What follows runs in the page. Only what the picture itself advances is counted: leaps are not playing.

function startShaka(url) {
  const video = document.querySelector('video');
  const shown = follow(() => video.currentTime);
  const player = new window.shaka.Player();
  // Shaka first tells, then decides whether it goes on by itself: as after a part that was lost with the publisher.
  player.addEventListener('error', ({ detail }) => setTimeout(() => {
    if (detail.severity === window.shaka.util.Error.Severity.CRITICAL) shown.error ??= `${detail.category}/${detail.code} ${detail.data}`;
  }));
  player.attach(video).then(() => player.load(url)).catch((thrown) => {
    shown.error ??= thrown.category ? `${thrown.category}/${thrown.code}` : String(thrown);
  });
}

function startHlsJs(url) {
  const video = document.querySelector('video');
  const shown = follow(() => video.currentTime);
  const player = new window.Hls();
  player.on(window.Hls.Events.ERROR, (_, { fatal, details }) => { if (fatal) shown.error ??= details; });
  player.loadSource(url);
  player.attachMedia(video);
}

function startVideoJs(url) {
  const video = document.querySelector('video');
  const shown = follow(() => player.currentTime());
  const player = window.videojs(video, { liveui: true });
  player.on('error', () => { shown.error ??= player.error().message; });
  player.src({ src: url, type: 'application/vnd.apple.mpegurl' });
}

// What the test reads: the first fatal error, and how long was played, without jumps.
function follow(current_s) {
  const shown = { error: null, played_s: 0 };
  window.shown = shown;
  let before_s = 0;
  setInterval(() => {
    const now_s = current_s();
    if (now_s > before_s && now_s - before_s < 1) shown.played_s += now_s - before_s;
    before_s = now_s;
  }, 100);
  return shown;
}
