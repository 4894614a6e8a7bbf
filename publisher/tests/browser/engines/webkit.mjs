// WebKitGTK's own small browser through WebDriver, on a screen that nobody sees. It is not Apple's player, and says nothing of it.
// In and out: see engines.mjs; the driver tells nothing of the console and of what is loaded. WebKitWebDriver and Xvfb are in PATH;
// WEBKIT_MINIBROWSER names the browser (default where Debian has it).

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';

const MINIBROWSERS = ['x86_64-linux-gnu', 'aarch64-linux-gnu'].map((machine) => `/usr/lib/${machine}/webkit2gtk-4.1/MiniBrowser`);
const MIME_JSON = { 'Content-Type': 'application/json' };
const START_WITHIN_MS = 30_000;
const ANSWER_WITHIN_MS = 30_000;
const END_WITHIN_MS = 5_000;

/** The browser hangs: GStreamer's pipeline waits for itself now and then when the first picture is to be shown. */
export class NoAnswer extends Error {}

export async function openWebKit({ viewport }) {
  const binary = process.env.WEBKIT_MINIBROWSER ?? MINIBROWSERS.find(existsSync);
  if (!binary) throw new Error('MiniBrowser of WebKitGTK is not installed; run `just setup-tests`');
  const ends = [];
  const close = async () => {
    for (const end of ends.reverse()) await end();
  };
  try {
    const display = await startScreen(viewport, ends);
    const address = await startDriver(display, ends);
    const capabilities = { alwaysMatch: { 'webkitgtk:browserOptions': { binary, args: ['--automation', '--autoplay-policy=allow'] } } };
    const { sessionId } = await tell('POST', `${address}/session`, { capabilities });
    const session = `${address}/session/${sessionId}`;
    ends.push(() => tell('DELETE', session, undefined, END_WITHIN_MS).catch(() => {}));
    return {
      goto: (url) => tell('POST', `${session}/url`, { url }),
      // Of a function that stands alone, and returns what JSON has.
      evaluate: (run, argument) => tell('POST', `${session}/execute/sync`, { script: `return (${run})(...arguments)`, args: [argument ?? null] }),
      screenshot: async (path) => writeFile(path, await tell('GET', `${session}/screenshot`), 'base64'),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @returns {Promise<string>} its name, for DISPLAY */
async function startScreen({ width, height }, ends) {
  const screen = start('Xvfb', ['-displayfd', '3', '-screen', '0', `${width}x${height}x24`, '-nolisten', 'tcp'], process.env, ends);
  const number = await Promise.race([firstWords(screen.child.stdio[3]), screen.failed]);
  return `:${number}`;
}

/** @returns {Promise<string>} its address */
async function startDriver(display, ends) {
  const port = await freePort();
  const driver = start('WebKitWebDriver', [`--port=${port}`], { ...process.env, DISPLAY: display, GDK_BACKEND: 'x11', LIBGL_ALWAYS_SOFTWARE: '1' }, ends);
  const address = `http://127.0.0.1:${port}`;
  const isReady = () => fetch(`${address}/status`).then((answer) => answer.ok, () => false);
  const until_ms = performance.now() + START_WITHIN_MS;
  while (!(await Promise.race([isReady(), driver.failed]))) {
    if (performance.now() > until_ms) throw new Error('WebKitWebDriver does not answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return address;
}

/** A program that ends with the browser; `failed` rejects when it ends before. */
function start(program, words, env, ends) {
  // A group of its own: what the driver has started ends with it, also where it hangs.
  const child = spawn(program, words, { stdio: ['ignore', 'ignore', 'ignore', 'pipe'], env, detached: true });
  const kill = () => {
    try {
      process.kill(-child.pid, 'SIGKILL');
    } catch {
      // It has ended, or never began.
    }
  };
  process.once('exit', kill);
  ends.push(kill);
  const failed = new Promise((_, reject) => {
    child.once('error', (error) => reject(new Error(`cannot start ${program}: ${error.message}; run \`just setup-tests\``)));
    child.once('exit', (status) => reject(new Error(`${program} has ended with ${status}`)));
  });
  // Once the browser runs, nobody waits for it.
  failed.catch(() => {});
  return { child, failed };
}

function firstWords(stream) {
  return new Promise((resolve) => {
    stream.setEncoding('utf8').once('data', (words) => resolve(words.trim()));
  });
}

function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer().on('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/** @returns {Promise<*>} the value of the answer */
async function tell(method, url, body, within_ms = ANSWER_WITHIN_MS) {
  const signal = AbortSignal.timeout(within_ms);
  const answer = await fetch(url, { method, headers: MIME_JSON, body: body === undefined ? undefined : JSON.stringify(body), signal }).catch((error) => {
    throw signal.aborted ? new NoAnswer(`the browser gave no answer within ${within_ms / 1000} s`) : error;
  });
  const { value } = await answer.json();
  if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
  return value;
}
