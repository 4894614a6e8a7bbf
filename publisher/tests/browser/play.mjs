// Plays the player page in a real browser that nobody sees, and judges what it sees.
//
//   node play.mjs URL [--browser chromium|firefox|webkit] [--mode hls|native] [--seconds 15] [--start-within 20] [--size 320x240]
//                     [--pace smooth|fast[,…]] [--wish] [--patience 0] [--median-latency SECONDS] [--least-fps 0] [--pattern] [--grey-ms 0]
//                     [--until-restart] [--resume-within 30] [--screenshot FILE] [--viewport 1280x800]
//
// It opens URL (with ?native=1 for --mode native), waits until the picture moves, then requires SECONDS of playback with
// no stall, of the list that --pace names; until --patience seconds have gone by, a disturbed playback may begin again.
// With --until-restart it then waits for the publisher to be restarted, and requires that the page goes on by
// itself, with pictures filmed after the restart. Every wait has a deadline except the one for `restart-done`.
// With more than one --pace all this is done for each of them in turn, on the same page. With --wish a viewer presses the button of
// the page until it plays that list. With --pattern, which is for the test pattern alone, a picture that moves and shows no clock
// of the test pattern was decoded without a keyframe: a fault, where such pictures are shown for longer than --grey-ms.
// A browser that answers no more before the first picture has moved has its own trouble: it is ended, and another is opened.
//
// stdout: one JSON object a line; `wall_s` counts from the start of this program.
//   {"event":"opened","wall_s"}                  the page is loaded
//   {"event":"state","state",…}                  the page's state changed (connecting, waiting, live, behind, paused, reconnecting, ended)
//   {"event":"playing",…}                        the picture moves for the first time
//   {"event":"sample",…}                         once a second: currentTime, paused, muted, latency_s, stalls, recoveries, width, height, decoded, dropped, state, mode, readyState, shownDate, with --pattern filmedDate
//   {"event":"played","seconds","advanced_s",…}  the asked-for playback is through, without a stall; `decoded_fps` counts frames for each second of picture
//   {"event":"disturbed","reason"}               with --patience: it begins again
//   {"event":"ready-for-restart"}                with --until-restart: restart the publisher now, then say `restart-done`
//   {"event":"went-on","after_s",…}              pictures filmed after `restart-done` have played for 5 s; with more than one --pace, the next follows
//   {"event":"grey","lasted_ms"}                 so long pictures were shown that were decoded without a keyframe
//   {"event":"opened-anew","reason"}             the browser answered no more; another one is opened
//   {"event":"console","text"}                   what the page wrote to its console (a 404 before there is a stream, for example)
//   {"event":"ok"}                               last line, exit status 0
//   {"event":"failed","reason",…}                last line, exit status 1 (2: bad arguments)
// stdin: one command a line. Keep it open with --until-restart until `restart-done` is said.
//   restart-done    the publisher has been started again
//   quit            close the browser and end with `ok`, or with `failed` if the asked-for playback was not reached
//
// engines/ says where each browser is, and what it does not tell. Its profile is fresh, and removed at the end.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { ENGINES, NoAnswer, openPage } from './engines.mjs';
import { Judge } from './judge.mjs';
import { STRIP_CELLS, stripClock_ms } from './strip.mjs';
import { WithoutKeyframe } from './without_keyframe.mjs';

/** Browsers that are opened until one answers. */
const OPENINGS = 3;

const CLOSED = Symbol('stdin closed');

const settings = readArguments();
const opened_ms = performance.now();
const commands = [];
const listener = createInterface({ input: process.stdin });
listener.on('line', (line) => commands.push(line.trim()));
listener.on('close', () => commands.push(CLOSED));
process.stdout.on('error', () => process.exit(1));
// What was started ends with this program.
process.on('SIGTERM', () => process.exit(1));

const troubles = [];
const hear = { console: (text) => say({ event: 'console', text }), trouble: (text) => troubles.push(text) };
let hasMoved = false;
let outcome = null;
for (let opening = 1; outcome === null; opening++) outcome = await open(opening === OPENINGS);
say(outcome);
listener.close();
process.exitCode = outcome.event === 'ok' ? 0 : 1;

/** @returns {Promise<?object>} the verdict; null when another browser is to be opened */
async function open(isLast) {
  let page = null;
  try {
    page = await openPage(settings.browser, { viewport: settings.viewport, hear });
    return await play(page, settings);
  } catch (error) {
    const reason = error.message.split('\n')[0];
    if (!(error instanceof NoAnswer) || hasMoved || isLast) return { event: 'failed', reason };
    say({ event: 'opened-anew', reason });
    return null;
  } finally {
    await page?.close().catch(() => {});
  }
}

async function play(page, { url, screenshot, paces, isWished, pattern, grey_ms, ...asked }) {
  await page.goto(url);
  // WebKitGTK says that a page is loaded before its modules have run.
  await until(page, () => window.livedir !== undefined, null, asked.startWithin_s, 'the page runs');
  say({ event: 'opened' });
  let verdict = null;
  for (const pace of paces) {
    if (isWished) await until(page, pressPace, pace, asked.startWithin_s, `the page plays the ${pace} list`);
    verdict = await watch(page, new Judge({ ...asked, pace }), pattern ? new WithoutKeyframe(grey_ms) : null);
    if (verdict.event === 'failed') break;
  }
  if (screenshot) await page.screenshot(screenshot);
  return verdict;
}

/** @param {?WithoutKeyframe} grey null where the picture is not looked at @returns {Promise<object>} the verdict */
async function watch(page, judge, grey) {
  let before = { state: null };
  let verdict = null;
  while (verdict === null) {
    const sample = withClock(await page.evaluate(readPage, grey ? STRIP_CELLS : 0));
    if (sample.state !== before.state) say({ event: 'state', ...sample });
    const undecoded = grey?.see(sample) ?? null;
    if (undecoded?.isFault) troubles.push(`pictures without their clock for ${Math.round(undecoded.lasted_ms)} ms until ${sample.currentTime} s`);
    else if (undecoded) say({ event: 'grey', lasted_ms: Math.round(undecoded.lasted_ms) });
    before = sample;
    for (const line of judge.see(sample)) {
      hasMoved ||= line.event === 'playing';
      say(line);
    }
    verdict = troubles.length > 0 ? { event: 'failed', reason: troubles[0] } : judge.verdict;
    for (const command of commands.splice(0)) {
      if (command === 'restart-done') judge.restarted(sample);
      else if (command === CLOSED) judge.noMoreNews(sample);
      else if (command === 'quit') verdict ??= judge.verdictNow();
    }
    // Four looks a second: a picture that stands for half a second is seen. One that is decoded wrong may be gone sooner.
    if (verdict === null) await new Promise((resolve) => setTimeout(resolve, grey ? 80 : 250));
  }
  return verdict;
}

/** What is read in the picture becomes `filmedDate`; null where no clock can be read. */
function withClock({ cells, ...sample }) {
  if (cells === null) return sample;
  const clock_ms = stripClock_ms(cells, sample.wallClock_ms);
  return { ...sample, filmedDate: clock_ms === null ? null : new Date(clock_ms).toISOString() };
}

/** Asks the page until it says yes. @param {(argument: *) => boolean} ask runs in the page */
async function until(page, ask, argument, within_s, what) {
  const until_ms = performance.now() + within_s * 1000;
  while (!(await page.evaluate(ask, argument))) {
    if (performance.now() > until_ms) throw new Error(`not within ${within_s} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
}

/** Runs in the page; presses its button, as a viewer does. @returns {boolean} whether it plays this list and stays with it */
function pressPace(wanted) {
  const { pace, canBeFast } = window.livedir;
  if (canBeFast && pace !== wanted) document.getElementById('pace').click();
  return canBeFast && pace === wanted;
}

/** Runs in the page. @param {number} count cells of the clock in the picture; 0 not to look at it */
function readPage(count) {
  const video = document.querySelector('video');
  const { state, mode, pace, latency_s, stalls, recoveries, width, height, droppedFrames, shownDate } = window.livedir;
  const readStrip = () => {
    const canvas = document.createElement('canvas');
    canvas.width = video.videoWidth;
    canvas.height = 1;
    const context = canvas.getContext('2d');
    const row = video.videoHeight - Math.floor(video.videoHeight / 60) - 1;
    context.drawImage(video, 0, row, canvas.width, 1, 0, 0, canvas.width, 1);
    const { data } = context.getImageData(0, 0, canvas.width, 1);
    return Array.from({ length: count }, (_, cell) => data[4 * Math.floor(((2 * cell + 1) * canvas.width) / (2 * count)) + 1]);
  };
  return {
    now_ms: performance.now(), wallClock_ms: Date.now(), currentTime: video.currentTime, readyState: video.readyState, paused: video.paused, muted: video.muted,
    state, mode, pace, rate: video.playbackRate, latency_s, stalls, recoveries, width, height, dropped: droppedFrames, shownDate,
    decoded: video.getVideoPlaybackQuality().totalVideoFrames,
    cells: count > 0 && !video.seeking && video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA ? readStrip() : null,
  };
}

function say(line) {
  const { event, now_ms, wallClock_ms, ...rest } = line; // the page's clocks are the judge's business
  process.stdout.write(`${JSON.stringify({ event, wall_s: Number(((performance.now() - opened_ms) / 1000).toFixed(2)), ...rest })}\n`);
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        browser: { type: 'string', default: 'chromium' },
        mode: { type: 'string', default: 'hls' },
        seconds: { type: 'string', default: '15' },
        'start-within': { type: 'string', default: '20' },
        'resume-within': { type: 'string', default: '30' },
        'until-restart': { type: 'boolean', default: false },
        pace: { type: 'string', default: 'smooth' },
        wish: { type: 'boolean', default: false },
        pattern: { type: 'boolean', default: false },
        'grey-ms': { type: 'string', default: '0' },
        patience: { type: 'string', default: '0' },
        'median-latency': { type: 'string', default: 'Infinity' },
        'least-fps': { type: 'string', default: '0' },
        size: { type: 'string' },
        screenshot: { type: 'string' },
        viewport: { type: 'string', default: '1280x800' },
      },
    });
    const url = new URL(positionals[0]);
    if (values.mode === 'native') url.searchParams.set('native', '1');
    else if (values.mode !== 'hls') throw new Error(`--mode is hls or native, not ${values.mode}`);
    if (!Object.hasOwn(ENGINES, values.browser)) throw new Error(`--browser is ${Object.keys(ENGINES).join(' or ')}, not ${values.browser}`);
    const paces = values.pace.split(',');
    const stranger = paces.find((pace) => !['smooth', 'fast'].includes(pace));
    if (stranger !== undefined) throw new Error(`--pace is smooth or fast, not ${stranger}`);
    return {
      url: url.href,
      browser: values.browser,
      paces,
      isWished: values.wish,
      pattern: values.pattern,
      grey_ms: notNegative('grey-ms', values['grey-ms']),
      patience_s: Number(values.patience),
      medianLatency_s: positive('median-latency', values['median-latency']),
      leastFps: notNegative('least-fps', values['least-fps']),
      seconds: positive('seconds', values.seconds),
      startWithin_s: positive('start-within', values['start-within']),
      resumeWithin_s: positive('resume-within', values['resume-within']),
      untilRestart: values['until-restart'],
      size: values.size ? widthAndHeight('size', values.size) : null,
      screenshot: values.screenshot,
      viewport: widthAndHeight('viewport', values.viewport),
      mode: values.mode === 'hls' ? 'hls.js' : 'native',
    };
  } catch (error) {
    process.stderr.write(`play.mjs: ${error.message}; usage: node play.mjs URL [--mode hls|native] [--seconds N] …\n`);
    process.exit(2);
  }
}

function notNegative(name, text) {
  const value = Number(text);
  if (!(value >= 0)) throw new Error(`--${name} is a number from 0 up, not ${text}`);
  return value;
}

function positive(name, text) {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${name} is a number above 0, not ${text}`);
  return value;
}

function widthAndHeight(name, text) {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (!match) throw new Error(`--${name} looks like 320x240, not ${text}`);
  return { width: Number(match[1]), height: Number(match[2]) };
}
