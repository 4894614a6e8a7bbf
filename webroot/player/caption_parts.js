// Mends two places where hls.js 1.7 is too late for the live edge with captions:
//
// - It forgets what it has read at each part, and a caption is longer than a part (hls.js#4297, whose fix left this over). It means to forget
//   at a part that does not follow the one before it.
// - It hands a caption out when that leaves the screen, for only then its end is known. A viewer near the live edge has passed it by then.
//
// In: hls.js's controller of captions. Out: the same one, which goes on from part to part, and at the end of each part hands out what is on the
// screen up to there; caption_tracks.js joins that again. No thread, nothing to end.

/** @param {?Function} Controller hls.js's TimelineController; its smallest build has none */
export function captionsInTime(Controller) {
  return Controller && class extends Controller {
    onFragLoading(event, data) {
      const { frag, part } = data;
      const isNextPart = part && frag.type === 'main' && frag.sn === this.lastSn && part.index === this.lastPartIndex + 1;
      // A segment that follows the last one is what it takes for the next.
      if (isNextPart) this.lastSn = frag.sn - 1;
      super.onFragLoading(event, data);
    }

    onFragParsingUserdata(event, data) {
      super.onFragParsingUserdata(event, data);
      const until_s = Math.max(...data.samples.map(({ pts }) => pts));
      for (const parser of [this.cea608Parser1, this.cea608Parser2]) {
        for (const channel of parser?.channels ?? []) handOut(channel, until_s);
      }
    }
  };
}

/** @param {?object} channel hls.js's Cea608Channel */
function handOut(channel, until_s) {
  if (!channel || channel.cueStartTime === null || channel.cueStartTime >= until_s) return;
  channel.cueSplitAtTime?.(until_s);
  channel.outputFilter?.dispatchCue?.();
}
