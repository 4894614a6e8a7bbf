// What the page must know of a playlist: is it live, how far does it reach, when was its end filmed.
// In: the text of an HLS playlist. Out: plain facts, or null for anything else. Pure; no thread, nothing to end.

/**
 * @typedef {object} PlaylistFacts
 * @property {boolean} ended    EXT-X-ENDLIST: nothing more will come
 * @property {boolean} canBlock EXT-X-SERVER-CONTROL: its server holds a request for what is to come
 * @property {number} first     media sequence number of the first segment
 * @property {number} last      … of the last one; first − 1 when there is none
 * @property {number} target_s  EXT-X-TARGETDURATION
 * @property {number} window_s  sum of the listed durations
 * @property {?number} edge_ms  wall clock at the end of the last segment, from EXT-X-PROGRAM-DATE-TIME
 */

/** @param {string} text @returns {?PlaylistFacts} null when this is not a media playlist */
export function readPlaylist(text) {
  const lines = text.split(/\r?\n/);
  // RFC 8216 4.3.1.1: #EXTM3U MUST be the first line
  if (!lines[0].startsWith('#EXTM3U')) return null;
  const facts = { ended: false, canBlock: false, first: 0, last: -1, target_s: 0, window_s: 0, edge_ms: null };
  let segments = 0;
  let duration_s = 0;
  for (const line of lines) {
    const [tag, value] = tagAndValue(line);
    if (tag === '#EXT-X-TARGETDURATION') facts.target_s = Number.parseFloat(value);
    else if (tag === '#EXT-X-MEDIA-SEQUENCE') facts.first = Number.parseInt(value, 10);
    else if (tag === '#EXT-X-ENDLIST') facts.ended = true;
    else if (tag === '#EXT-X-SERVER-CONTROL') facts.canBlock = /(^|,)CAN-BLOCK-RELOAD=YES(,|$)/.test(value.trim());
    else if (tag === '#EXT-X-PROGRAM-DATE-TIME') facts.edge_ms = dateOrNull(value);
    else if (tag === '#EXTINF') duration_s = Number.parseFloat(value) || 0;
    else if (line !== '' && !line.startsWith('#')) {
      segments += 1;
      facts.window_s += duration_s;
      // RFC 8216 4.3.2.6: the date belongs to the segment's first sample, and holds on until the next date
      if (facts.edge_ms !== null) facts.edge_ms += duration_s * 1000;
      duration_s = 0;
    }
  }
  // RFC 8216 4.3.3.1: EXT-X-TARGETDURATION is REQUIRED in a media playlist
  if (!(facts.target_s > 0) || !Number.isFinite(facts.first)) return null;
  facts.last = facts.first + segments - 1;
  return facts;
}

/** @param {string} text @returns {?string} the first variant's address if this is a multivariant playlist */
export function firstVariant(text) {
  const lines = text.split(/\r?\n/);
  const tagged = lines.findIndex((line) => line.startsWith('#EXT-X-STREAM-INF'));
  if (tagged < 0) return null;
  return lines.slice(tagged + 1).find((line) => line !== '' && !line.startsWith('#')) ?? null;
}

function tagAndValue(line) {
  const colon = line.indexOf(':');
  return colon < 0 ? [line.trim(), ''] : [line.slice(0, colon), line.slice(colon + 1)];
}

function dateOrNull(value) {
  // Some encoders write the zone as +0000, which Date.parse need not understand
  const date_ms = Date.parse(value.trim().replace(/([+-]\d\d)(\d\d)$/, '$1:$2'));
  return Number.isFinite(date_ms) ? date_ms : null;
}
