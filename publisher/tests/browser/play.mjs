// Plays the player page in a real, headless Chromium and judges what it sees.
//
//   node play.mjs URL [--mode hls|native] [--seconds 15] [--start-within 20] [--size 320x240]
//                     [--pace smooth|fast] [--patience 0] [--median-latency SECONDS]
//                     [--until-restart] [--resume-within 30] [--screenshot FILE] [--viewport 1280x800]
//
// It opens URL (with ?native=1 for --mode native), waits until the picture moves, then requires SECONDS of playback with
// no stall, of the list that --pace names; until --patience seconds have gone by, a disturbed playback may begin again.
// With --until-restart it then waits for the publisher to be restarted, and requires that the page goes on by
// itself, with pictures filmed after the restart. Every wait has a deadline except the one for `restart-done`.
//
// stdout: one JSON object a line; `wall_s` counts from the start of this program.
//   {"event":"opened","wall_s"}                  the page is loaded
//   {"event":"state","state",…}                  the page's state changed (connecting, waiting, live, behind, paused, reconnecting, ended)
//   {"event":"playing",…}                        the picture moves for the first time
//   {"event":"sample",…}                         once a second: currentTime, latency_s, stalls, recoveries, width, height, dropped, state, mode, readyState, shownDate
//   {"event":"played","seconds","advanced_s"}    the asked-for playback is through, without a stall
//   {"event":"disturbed","reason"}               with --patience: it begins again
//   {"event":"ready-for-restart"}                with --until-restart: restart the publisher now, then say `restart-done`
//   {"event":"went-on","after_s",…}              pictures filmed after `restart-done` have played for 5 s
//   {"event":"console","text"}                   what the page wrote to its console (a 404 before there is a stream, for example)
//   {"event":"ok"}                               last line, exit status 0
//   {"event":"failed","reason",…}                last line, exit status 1 (2: bad arguments)
// stdin: one command a line. Keep it open with --until-restart until `restart-done` is said.
//   restart-done    the publisher has been started again
//   quit            close the browser and end with `ok`, or with `failed` if the asked-for playback was not reached
//
// CHROMIUM names the browser (default /usr/bin/chromium). Its profile is fresh, and removed at the end.

import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';
import { Judge } from './judge.mjs';

const CLOSED = Symbol('stdin closed');

const settings = readArguments();
const opened_ms = performance.now();
const commands = [];
const listener = createInterface({ input: process.stdin });
listener.on('line', (line) => commands.push(line.trim()));
listener.on('close', () => commands.push(CLOSED));
process.stdout.on('error', () => process.exit(1));

let browser = null;
let outcome;
try {
  browser = await launchBrowser();
  outcome = await play(browser, settings);
} catch (error) {
  outcome = { event: 'failed', reason: error.message.split('\n')[0] };
}
await browser?.close().catch(() => {});
say(outcome);
listener.close();
process.exitCode = outcome.event === 'ok' ? 0 : 1;

async function play(browser, { url, screenshot, viewport, ...asked }) {
  const page = await browser.newPage({ viewport });
  const troubles = [];
  page.on('console', (message) => say({ event: 'console', text: message.text() }));
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  page.on('request', (request) => {
    const address = new URL(request.url());
    const inside = address.origin === new URL(url).origin || ['blob:', 'data:'].includes(address.protocol);
    if (!inside) troubles.push(`the page loads from elsewhere: ${request.url()}`);
  });
  await page.goto(url, { timeout: 20_000 });
  say({ event: 'opened' });

  const judge = new Judge(asked);
  let state = null;
  let verdict = null;
  while (verdict === null) {
    const sample = await page.evaluate(readPage);
    if (sample.state !== state) say({ event: 'state', ...sample });
    state = sample.state;
    for (const line of judge.see(sample)) say(line);
    verdict = troubles.length > 0 ? { event: 'failed', reason: troubles[0] } : judge.verdict;
    for (const command of commands.splice(0)) {
      if (command === 'restart-done') judge.restarted(sample);
      else if (command === CLOSED) judge.noMoreNews(sample);
      else if (command === 'quit') verdict ??= judge.verdictNow();
    }
    // Four looks a second: a picture that stands for half a second is seen.
    if (verdict === null) await new Promise((resolve) => setTimeout(resolve, 250));
  }
  if (screenshot) await page.screenshot({ path: screenshot });
  return verdict;
}

/** Runs in the page. */
function readPage() {
  const video = document.querySelector('video');
  const { state, mode, pace, latency_s, stalls, recoveries, width, height, droppedFrames, shownDate } = window.livedir;
  return {
    now_ms: performance.now(), wallClock_ms: Date.now(), currentTime: video.currentTime, readyState: video.readyState,
    state, mode, pace, rate: video.playbackRate, latency_s, stalls, recoveries, width, height, dropped: droppedFrames, shownDate,
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
        mode: { type: 'string', default: 'hls' },
        seconds: { type: 'string', default: '15' },
        'start-within': { type: 'string', default: '20' },
        'resume-within': { type: 'string', default: '30' },
        'until-restart': { type: 'boolean', default: false },
        pace: { type: 'string', default: 'smooth' },
        patience: { type: 'string', default: '0' },
        'median-latency': { type: 'string', default: 'Infinity' },
        size: { type: 'string' },
        screenshot: { type: 'string' },
        viewport: { type: 'string', default: '1280x800' },
      },
    });
    const url = new URL(positionals[0]);
    if (values.mode === 'native') url.searchParams.set('native', '1');
    else if (values.mode !== 'hls') throw new Error(`--mode is hls or native, not ${values.mode}`);
    if (!['smooth', 'fast'].includes(values.pace)) throw new Error(`--pace is smooth or fast, not ${values.pace}`);
    return {
      url: url.href,
      pace: values.pace,
      patience_s: Number(values.patience),
      medianLatency_s: positive('median-latency', values['median-latency']),
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
