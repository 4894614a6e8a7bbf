// Plays through hls.js.
// In: the video element, the playlist's address, its pace, and `tell`, which takes events for state.js and the server's dates.
// Out: events; facts when asked. hls.js runs its own timers and a worker; close() ends them.

import { captionsInTime } from './caption_parts.js';
import { CaptionTracks } from './caption_tracks.js';
import { KeepUp } from './keep_up.js';
import { LossAfterBreak } from './loss_after_break.js';
import { ReloadTime } from './reload_time.js';
import { soundThatGoesOn } from './rounded_end.js';

// RFC 8216 6.3.3: a client SHOULD NOT start closer than three target durations to the end
const HOLD_BACK_TARGETS = 3;
// While it plays, it may come this much nearer: it reloads the playlist just after the playlist has grown, so it always has
// at least 1.75 target durations in its buffer.
const NEARER_TARGETS = 0.25;

// If so many segments have durations within this share of each other, the encoder is taken to have a constant duration.
const ALIKE_SEGMENTS = 4;
const ALIKE = 0.05;

const CONFIG = {
  liveDurationInfinity: true,
  // A page may stay open for weeks: what was played is let go.
  backBufferLength: 20,
  enableInterstitialPlayback: false,
  enableDateRangeMetadataCues: false,
  // caption_tracks.js does.
  renderTextTracksNatively: false,
  // The list does not say in which language the captions are: hls.js would guess.
  captionsTextTrack1Label: 'CC1',
  captionsTextTrack2Label: 'CC2',
  captionsTextTrack3Label: 'CC3',
  captionsTextTrack4Label: 'CC4',
  // keep_up.js sets the rate, and adds distance after a stall. hls.js itself catches up only with more than a second in its
  // buffer, which is more latency than low-latency playback should have.
  maxLiveSyncPlaybackRate: 1,
  liveSyncOnStallIncrease: 0,
  // Few tries here: state.js goes on for ever, and tells the viewer.
  playlistLoadPolicy: {
    default: {
      maxTimeToFirstByteMs: 8000,
      maxLoadTimeMs: 15_000,
      timeoutRetry: { maxNumRetry: 1, retryDelayMs: 0, maxRetryDelayMs: 0 },
      errorRetry: { maxNumRetry: 2, retryDelayMs: 500, maxRetryDelayMs: 2000 },
    },
  },
};

// What hls.js says when the browser takes no pictures of this codec.
const NO_DECODER = new Set(['bufferAddCodecError', 'bufferIncompatibleCodecsError', 'manifestIncompatibleCodecsError']);

const PACED = {
  smooth: { liveSyncDurationCount: HOLD_BACK_TARGETS },
  // A count of target durations would be taken instead of PART-HOLD-BACK.
  fast: { lowLatencyMode: true },
};

/** @param {object} Hls the library @param {HTMLVideoElement} video @param {'fast'|'smooth'} pace */
export function openHls(Hls, video, url, pace, tell) {
  const reloadTime = new ReloadTime();
  // Where requests can be held, the server has the timing.
  const timed = pace === 'smooth' ? { pLoader: loaderThatWaits(Hls.DefaultConfig.loader, reloadTime) } : {};
  const audioStreamController = soundThatGoesOn(Hls.DefaultConfig.audioStreamController);
  const timelineController = captionsInTime(Hls.DefaultConfig.timelineController);
  const hls = new Hls({ ...CONFIG, ...PACED[pace], ...timed, audioStreamController, timelineController });
  const keepUp = new KeepUp(pace);
  const loss = new LossAfterBreak();
  const captionTracks = new CaptionTracks(video);
  let bitrate_bps = null;
  let hasSound = null;
  let hasPicture = null;

  hls.on(Hls.Events.LEVEL_LOADED, (_, { details, networkDetails, stats }) => {
    tellDate(networkDetails, stats, tell);
    tell.event({ type: 'playlist', ...playlistFacts(details) });
  });
  hls.on(Hls.Events.BUFFER_CODECS, (_, tracks) => {
    hasSound = Boolean(tracks.audio ?? tracks.audiovideo);
    // Sound that comes apart from the picture has an event of its own.
    hasPicture = hls.audioTracks.length > 0 ? null : Boolean(tracks.video ?? tracks.audiovideo);
  });
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag, part, stats }) => {
    const { duration } = part ?? frag;
    if (duration > 0 && stats.total > 0) bitrate_bps = smoothed(bitrate_bps, (stats.total * 8) / duration);
  });
  hls.on(Hls.Events.BUFFER_APPENDED, (_, { frag, part, type, timeRanges }) => {
    const { start, duration } = part ?? {};
    const isLost = part && loss.appended({ timeline: frag.cc, type, start_s: start, duration_s: duration, buffered: rangesOf(timeRanges[type]) });
    if (isLost) tell.event({ type: 'fault', kind: 'lost' });
  });
  hls.on(Hls.Events.NON_NATIVE_TEXT_TRACKS_FOUND, (_, found) => captionTracks.found(found));
  hls.on(Hls.Events.CUES_PARSED, (_, parsed) => captionTracks.parsed(parsed));
  hls.on(Hls.Events.ERROR, (_, { fatal, type, details, mimeType, reason }) => {
    if (!fatal) return;
    if (NO_DECODER.has(details)) tell.event({ type: 'fault', kind: 'decoder', codec: codecName(`${mimeType} ${reason}`) });
    else tell.event({ type: 'fault', kind: type === Hls.ErrorTypes.NETWORK_ERROR ? 'network' : 'media' });
  });
  hls.loadSource(url);
  hls.attachMedia(video);

  return {
    facts() {
      return {
        shown_ms: hls.playingDate?.getTime() ?? null,
        behind_s: hls.liveSyncPosition === null ? null : hls.liveSyncPosition - video.currentTime,
        bitrate_bps,
        hasSound,
        hasPicture,
      };
    },
    heardPlaylist({ last, age_s, segment_s }) {
      reloadTime.heard({ last, age_s, segment_s: segment_s ?? null, now_ms: performance.now() });
    },
    /** Sets the playback rate, while nothing else holds the picture. */
    keepUp(at) {
      const details = hls.latestLevelDetails;
      if (!details?.live || video.paused || video.seeking || video.playbackRate === 0) return;
      const target_s = details.targetduration;
      const rate = keepUp.rate({ ...at, target_s, ...distances(details, pace, at.behind_s) });
      if (video.playbackRate !== rate) video.playbackRate = rate;
    },
    jump() {
      if (hls.liveSyncPosition !== null) video.currentTime = hls.liveSyncPosition;
    },
    resume() {
      hls.startLoad();
    },
    recoverMedia() {
      hls.recoverMediaError();
    },
    close() {
      captionTracks.close();
      hls.destroy();
    },
  };
}

/** What keep_up.js wants to know of a playlist. @param {?number} behind_s behind hls.liveSyncPosition */
function distances({ partTarget, partHoldBack, targetduration }, pace, behind_s) {
  if (pace === 'fast') {
    const part_s = partTarget || targetduration;
    return { part_s, hold_back_s: partHoldBack || 3 * part_s, behind_s };
  }
  const nearer_s = NEARER_TARGETS * targetduration;
  const hold_back_s = HOLD_BACK_TARGETS * targetduration - nearer_s;
  return { part_s: targetduration, hold_back_s, behind_s: behind_s === null ? null : behind_s + nearer_s };
}

function playlistFacts(details) {
  const lastFragment = details.fragments.at(-1);
  const start_ms = lastFragment?.programDateTime ?? null;
  return {
    ended: !details.live,
    first: details.startSN,
    last: details.endSN,
    target_s: details.targetduration,
    window_s: details.totalduration,
    segment_s: commonDuration_s(details.fragments),
    edge_ms: start_ms === null ? null : start_ms + lastFragment.duration * 1000,
  };
}

/** The duration of the last segments; null when they are not alike. */
function commonDuration_s(fragments) {
  const durations_s = fragments.slice(-ALIKE_SEGMENTS).map(({ duration }) => duration);
  const [shortest_s, longest_s] = [Math.min(...durations_s), Math.max(...durations_s)];
  return durations_s.length > 0 && longest_s - shortest_s <= ALIKE * longest_s ? longest_s : null;
}

/** hls.js's loader of playlists, which begins when the playlist should have grown. */
function loaderThatWaits(Loader, reloadTime) {
  return class extends Loader {
    #timer = null;

    load(context, config, callbacks) {
      // The first reading of a list, of another quality for example, is wanted at once.
      const isReload = context.type === 'level' && context.levelOrTrack?.details;
      const wait_ms = isReload ? reloadTime.wait_ms(performance.now()) : 0;
      if (wait_ms === 0) {
        super.load(context, config, callbacks);
        return;
      }
      // hls.js looks at it to see what is under way.
      this.context = context;
      this.#timer = setTimeout(() => super.load(context, config, callbacks), wait_ms);
    }

    abort() {
      clearTimeout(this.#timer);
      super.abort();
    }

    destroy() {
      clearTimeout(this.#timer);
      super.destroy();
    }
  };
}

function tellDate(request, stats, tell) {
  // The loader hands out its XMLHttpRequest; another loader may hand out anything.
  if (typeof request?.getResponseHeader !== 'function' || request.getResponseHeader('age')) return;
  tell.date({
    date_ms: Date.parse(request.getResponseHeader('date') ?? ''),
    sent_ms: wallClock_ms(stats.loading.start),
    received_ms: wallClock_ms(stats.loading.end),
  });
}

function wallClock_ms(performance_ms) {
  return Date.now() - (performance.now() - performance_ms);
}

/** @returns {string} for people; empty when it is not known. The names are those of RFC 6381 */
function codecName(text) {
  return /\b(hvc1|hev1)\b/.test(text) ? 'HEVC' : '';
}

/** @param {TimeRanges} [buffered] */
function rangesOf(buffered) {
  return Array.from({ length: buffered?.length ?? 0 }, (_, n) => ({ start_s: buffered.start(n), end_s: buffered.end(n) }));
}

function smoothed(before, now) {
  return before === null ? now : before + (now - before) * 0.3;
}
