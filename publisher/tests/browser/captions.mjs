// The captions that mux.js reads in a file of MPEG-TS: `node captions.mjs FILE`. One line for each: `CC1 HELLO`.

import { readFileSync } from 'node:fs';
import muxjs from 'mux.js';

const transmuxer = new muxjs.mp4.Transmuxer({ captionServices: { SERVICE1: {} } });
const captions = [];
transmuxer.on('data', (segment) => captions.push(...(segment.captions ?? [])));
transmuxer.push(new Uint8Array(readFileSync(process.argv[2])));
transmuxer.flush();

// CEA-608 has its rows apart, CEA-708 in one text.
const rows = ({ text, content }) => (content ? content.map((row) => row.text) : text.split('\n'));
const line = (caption) => `${caption.stream} ${rows(caption).map((row) => row.trim()).join(' / ')}`;
for (const name of ['CC1', 'CC2', 'CC3', 'CC4', 'cc708_1']) {
  for (const caption of captions.filter(({ stream }) => stream === name)) console.log(line(caption));
}
