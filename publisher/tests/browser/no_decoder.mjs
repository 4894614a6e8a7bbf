// A stream in HEVC: a browser that decodes it plays it, and any other says so in words; then the stream comes in H.264, and
// either plays.
//
//   node no_decoder.mjs URL [--within 60]
//
// stdin: `changed` when the publisher has been started again with H.264. Each wait lasts at most WITHIN seconds.
// stdout, one JSON object a line: {event: seen, decodes, state, headline, hint}, then {event: ok} or {event: failed, reason}.

import { createInterface } from 'node:readline';
import { once } from 'node:events';
import { parseArgs } from 'node:util';
import { lookAtPage, say } from './browser.mjs';

// Main profile, level 3.1.
const HEVC = 'video/mp4; codecs="hvc1.1.6.L93.90"';
// Of picture, for it to count as playing.
const PLAYS_FOR_S = 3;

const { values, positionals } = parseArgs({ allowPositionals: true, options: { within: { type: 'string', default: '60' } } });
const timeout = Number(values.within) * 1000;
const commands = createInterface({ input: process.stdin });
await lookAtPage((page) => look(page, positionals[0]));
commands.close();

async function look(page, url) {
  await page.goto(url, { timeout });
  const decodes = await page.evaluate((type) => MediaSource.isTypeSupported(type), HEVC);
  if (decodes) await plays(page);
  else await page.waitForFunction(() => window.livedir?.state === 'undecodable', null, { timeout });
  const text = (id) => page.textContent(id);
  say({ event: 'seen', decodes, state: await page.evaluate(() => window.livedir.state), headline: await text('#headline'), hint: await text('#hint') });
  const [command] = await once(commands, 'line');
  if (command !== 'changed') return { event: 'failed', reason: `told to ${command}` };
  await plays(page);
  return { event: 'ok' };
}

async function plays(page) {
  await page.waitForFunction(() => window.livedir?.state === 'live', null, { timeout });
  const from_s = await page.evaluate(() => window.livedir.currentTime);
  await page.waitForFunction((until_s) => window.livedir.currentTime >= until_s, from_s + PLAYS_FOR_S, { timeout });
}
