// The page of all channels: a picture of each, which leads to its stream.
// In: channels.json. Out: cards. Looks again each 15 s, at a channel after the other.

import { readChannels } from './channel_list.js';
import { probe } from './probe.js';
import { drawThumbnail } from './thumbnail.js';

const LOOK_EVERY_MS = 15_000;

const list = document.getElementById('channels');
const none = document.getElementById('none');
const cards = new Map();

for (;;) {
  if (!document.hidden) await look();
  await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
}

async function look() {
  const channels = await readChannels(document.baseURI);
  // The server is away: what was seen stays.
  if (channels === null && cards.size > 0) return;
  show(channels ?? []);
  for (const { name } of channels ?? []) await lookAt(cards.get(name));
}

/** A card for each, in the order of the list. */
function show(channels) {
  none.hidden = channels.length > 0;
  const wanted = new Set(channels.map(({ name }) => name));
  for (const [name, { item }] of cards) {
    if (wanted.has(name)) continue;
    item.remove();
    cards.delete(name);
  }
  for (const { name, title } of channels) {
    if (!cards.has(name)) cards.set(name, newCard(name));
    const { item, label } = cards.get(name);
    label.textContent = title;
    list.append(item);
  }
}

function newCard(name) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  const [canvas, label, state] = ['canvas', 'strong', 'span'].map((tag) => document.createElement(tag));
  link.href = `./?channel=${encodeURIComponent(name)}`;
  canvas.setAttribute('aria-hidden', 'true');
  link.append(canvas, label, state);
  item.append(link);
  return { item, label, state, canvas, url: new URL(`${name}/stream.m3u8`, document.baseURI).href };
}

async function lookAt({ item, state, canvas, url }) {
  const seen = await probe(url, () => {});
  const isLive = seen.type === 'playlist' && !seen.ended;
  item.dataset.state = isLive ? 'live' : 'off';
  state.textContent = isLive ? 'Live' : 'Off air';
  const hasPicture = isLive && await drawThumbnail(window.Hls, url, canvas);
  if (hasPicture) item.dataset.picture = 'yes';
}
