// Changes between the sizes of a stream while it plays, in a headless Chromium with the page's own hls.js.
//
//   node switch.mjs SITE PLAYLIST [--switches 6] [--every 3] [--within 90]
//
// It plays PLAYLIST, a multivariant one below SITE, and every EVERY seconds tells hls.js to go on with the next size. It ends
// well when each switch was seen in the picture, which never stood still and never leapt meanwhile.
//
// stdout: one JSON line {event: ok | failed, reason, switches, widths, stalls, leap_s: the largest difference between what the
// picture and the clock advanced}; exit status 0 or 1.

import { parseArgs } from 'node:util';
import { lookAtPage } from './browser.mjs';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { switches: { type: 'string', default: '6' }, every: { type: 'string', default: '3' }, within: { type: 'string', default: '90' } },
});
const [site, playlist] = positionals;
const asked = { url: new URL(playlist, site).href, switches: Number(values.switches), every_s: Number(values.every), within_s: Number(values.within) };

await lookAtPage(async (page) => {
  await page.setContent('<video muted autoplay></video>');
  await page.addScriptTag({ url: new URL('player/node_modules/hls.js/dist/hls.min.js', site).href });
  return page.evaluate(switchInPage, asked);
});

/** Runs in the page. */
async function switchInPage({ url, switches, every_s, within_s }) {
  const video = document.querySelector('video');
  const hls = new window.Hls({ liveSyncDurationCount: 3, maxLiveSyncPlaybackRate: 1 });
  const until_ms = performance.now() + within_s * 1000;
  const seen = { switches: 0, widths: [], stalls: 0, leap_s: 0 };
  let reason = null;
  hls.on(window.Hls.Events.ERROR, (_, { fatal, details }) => {
    if (fatal) reason ??= details;
  });
  hls.loadSource(url);
  hls.attachMedia(video);
  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const isLate = () => performance.now() > until_ms;
  while (reason === null && !(video.currentTime > 0 && hls.playingDate) && !isLate()) await pause(0.1);
  // The first seconds are those of getting started.
  await pause(3);
  video.addEventListener('waiting', () => { seen.stalls += 1; });
  const date_s = () => hls.playingDate.getTime() / 1000;
  const behind_s = () => performance.now() / 1000 - date_s();
  const began_s = behind_s();
  while (reason === null && seen.switches < switches && !isLate()) {
    const next = (hls.currentLevel + 1) % hls.levels.length;
    const { width } = hls.levels[next];
    // What is buffered is played to its end; what comes after it is of the next size.
    hls.loadLevel = next;
    const switched_ms = performance.now();
    while (reason === null && video.videoWidth !== width && !isLate()) {
      await pause(0.05);
      seen.leap_s = Math.max(seen.leap_s, Math.abs(behind_s() - began_s));
    }
    seen.switches += 1;
    seen.widths.push(video.videoWidth);
    await pause(Math.max(0, every_s - (performance.now() - switched_ms) / 1000));
  }
  if (isLate()) reason ??= `not done within ${within_s} s`;
  hls.destroy();
  if (seen.stalls > 0) reason ??= 'the picture stood still';
  if (seen.leap_s > 0.5) reason ??= 'the picture leapt';
  return { event: reason === null ? 'ok' : 'failed', reason, ...seen, leap_s: Number(seen.leap_s.toFixed(3)) };
}
