// The snippets of docs/embed.md, in a page of another origin, in a headless Chromium.
//
//   node embed.mjs URL SNIPPET_FILE {frame|video} [--within 60]
//
// URL is that of the player page; SNIPPET_FILE holds the HTML that a person would paste. The browser has its usual rules for
// playback without a click. frame: the page within the frame has to become live, to move on, and may go full screen. video: the
// element has to move on.
//
// stdout: one JSON line {event: ok | failed, troubles}; exit status 0 or 1.

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { launchBrowser } from './browser.mjs';

// A site that is not this machine's, for the browser alone.
const EMBEDDER = 'embedder.test';

const { values, positionals } = parseArgs({ allowPositionals: true, options: { within: { type: 'string', default: '60' } } });
const [url, file, kind] = positionals;
const timeout = Number(values.within) * 1000;
const snippet = await readFile(file, 'utf8');
const troubles = [];

const site = createServer((_, response) => {
  response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' });
  response.end(`<!doctype html><title>A page of somebody else</title><h1>News</h1>${snippet}`);
});
await new Promise((resolve) => site.listen(0, '127.0.0.1', resolve));

const browser = await launchBrowser([
  `--host-resolver-rules=MAP ${EMBEDDER} 127.0.0.1`, '--autoplay-policy=document-user-activation-required',
]);
try {
  const page = await browser.newPage();
  page.on('pageerror', (error) => troubles.push(`error in the page: ${error.message}`));
  await page.goto(`http://${EMBEDDER}:${site.address().port}/`, { timeout });
  await (kind === 'frame' ? playsInItsFrame(page) : playsInItsElement(page));
} catch (error) {
  troubles.push(error.message.split('\n')[0]);
}
await browser.close();
site.close();
process.stdout.write(`${JSON.stringify({ event: troubles.length === 0 ? 'ok' : 'failed', troubles })}\n`);
process.exitCode = troubles.length === 0 ? 0 : 1;

async function playsInItsFrame(page) {
  const frame = page.frames().find((it) => it.url().startsWith(url));
  if (!frame) throw new Error(`no frame of ${url} among ${page.frames().map((it) => it.url())}`);
  await frame.waitForFunction(() => window.livedir?.state === 'live', null, { timeout });
  const from_s = await frame.evaluate(() => window.livedir.currentTime);
  await frame.waitForFunction((until_s) => window.livedir.currentTime >= until_s, from_s + 2, { timeout });
  if (!(await frame.evaluate(() => document.fullscreenEnabled))) troubles.push('the frame may not go full screen');
}

async function playsInItsElement(page) {
  const time_s = () => document.querySelector('video').currentTime;
  await page.waitForFunction(() => document.querySelector('video').readyState >= 3, null, { timeout });
  const from_s = await page.evaluate(time_s);
  await page.waitForFunction((until_s) => document.querySelector('video').currentTime >= until_s, from_s + 2, { timeout });
}
