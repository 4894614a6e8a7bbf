// Plays through hls.js.
// In: the video element, the playlist's address, its pace, and `tell`, which takes events for state.js and the server's dates.
// Out: events; facts when asked. hls.js runs its own timers and a worker; close() ends them.

import { KeepUp } from './keep_up.js';

// RFC 8216 6.3.3: a client SHOULD NOT start closer than three target durations to the end
const HOLD_BACK_TARGETS = 3;

const CONFIG = {
  liveDurationInfinity: true,
  // A page may stay open for weeks: what was played is let go.
  backBufferLength: 20,
  enableInterstitialPlayback: false,
  enableDateRangeMetadataCues: false,
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

const PACED = {
  smooth: {
    liveSyncDurationCount: HOLD_BACK_TARGETS,
    // Slow enough not to be heard; brings a player back that fell behind by a stall.
    maxLiveSyncPlaybackRate: 1.05,
  },
  // A count of target durations would be taken instead of PART-HOLD-BACK.
  fast: {
    lowLatencyMode: true,
    // hls.js catches up only while it has more than a second in its buffer, which is more than it shall be behind: keep_up.js
    // does it here, and adds what a stall asks for.
    maxLiveSyncPlaybackRate: 1,
    liveSyncOnStallIncrease: 0,
  },
};

/** @param {object} Hls the library @param {HTMLVideoElement} video @param {'fast'|'smooth'} pace */
export function openHls(Hls, video, url, pace, tell) {
  const hls = new Hls({ ...CONFIG, ...PACED[pace] });
  const keepUp = pace === 'fast' ? new KeepUp() : null;
  let bitrate_bps = null;
  let hasSound = null;

  hls.on(Hls.Events.LEVEL_LOADED, (_, { details, networkDetails, stats }) => {
    tellDate(networkDetails, stats, tell);
    tell.event({ type: 'playlist', ...playlistFacts(details) });
  });
  hls.on(Hls.Events.BUFFER_CODECS, (_, tracks) => {
    hasSound = Boolean(tracks.audio ?? tracks.audiovideo);
  });
  hls.on(Hls.Events.FRAG_BUFFERED, (_, { frag, part, stats }) => {
    const { duration } = part ?? frag;
    if (duration > 0 && stats.total > 0) bitrate_bps = smoothed(bitrate_bps, (stats.total * 8) / duration);
  });
  hls.on(Hls.Events.ERROR, (_, { fatal, type }) => {
    if (!fatal) return;
    tell.event({ type: 'fault', kind: type === Hls.ErrorTypes.NETWORK_ERROR ? 'network' : 'media' });
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
      };
    },
    /** Sets the playback rate, while nothing else holds the picture. */
    keepUp(at) {
      const details = hls.latestLevelDetails;
      if (!keepUp || !details?.live || video.paused || video.seeking) return;
      const part_s = details.partTarget || details.targetduration;
      const rate = keepUp.rate({ ...at, part_s, hold_back_s: details.partHoldBack || 3 * part_s, target_s: details.targetduration });
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
      hls.destroy();
    },
  };
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
    edge_ms: start_ms === null ? null : start_ms + lastFragment.duration * 1000,
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

function smoothed(before, now) {
  return before === null ? now : before + (now - before) * 0.3;
}
