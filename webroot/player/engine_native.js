// Plays through the browser's own HLS.
// In: the video element, the playlist's address, and `tell`, which takes events for state.js. Out: events; facts when
// asked. The browser loads on its own threads; close() takes the address away from it.

import { EdgeDate } from './edge_date.js';

// RFC 8216 6.3.3: a client SHOULD NOT start closer than three target durations to the end
const HOLD_BACK_TARGETS = 3;
const DRAINED_S = 0.3;
const MEDIA_ERR_DECODE = 3;

/** @param {HTMLVideoElement} video */
export function openNative(video, url, tell) {
  const edgeDate = new EdgeDate();
  let target_s = null;

  const onError = () => {
    // Anything but a decoding error means that something could not be fetched, or was not what it should be.
    tell.event({ type: 'fault', kind: video.error?.code === MEDIA_ERR_DECODE ? 'media' : 'network' });
  };
  const open = () => {
    edgeDate.forget();
    video.src = url;
    video.load();
  };
  const reopen = () => {
    open();
    // A refusal shows as `paused`, with a button.
    video.play().catch(() => {});
  };
  video.addEventListener('error', onError);
  open();

  return {
    facts() {
      const edge_s = liveEdge_s(video);
      return {
        shown_ms: startDate_ms(video) ?? edgeDate.at(video.currentTime),
        behind_s: edge_s === null || target_s === null ? null : edge_s - HOLD_BACK_TARGETS * target_s - video.currentTime,
        bitrate_bps: null,
        hasSound: soundTracks(video),
        hasPicture: null,
      };
    },
    /** The page reads the playlist beside the browser, which does not hand it out. */
    heardPlaylist(facts) {
      target_s = facts.target_s;
      const buffered_s = lastEnd(video.buffered);
      if (buffered_s === null) return;
      // The buffer ran dry: what comes next may be of another time.
      if (buffered_s - video.currentTime < DRAINED_S) edgeDate.forget();
      edgeDate.heard(facts.edge_ms, buffered_s);
    },
    jump() {
      const edge_s = lastEnd(video.seekable);
      if (edge_s === null || target_s === null) reopen();
      else video.currentTime = Math.max(0, edge_s - HOLD_BACK_TARGETS * target_s);
    },
    resume: reopen,
    recoverMedia: reopen,
    close() {
      video.removeEventListener('error', onError);
      video.removeAttribute('src');
      video.load();
    },
  };
}

function liveEdge_s(video) {
  return lastEnd(video.seekable) ?? lastEnd(video.buffered);
}

function lastEnd(ranges) {
  const end_s = ranges.length > 0 ? ranges.end(ranges.length - 1) : Number.NaN;
  return Number.isFinite(end_s) ? end_s : null;
}

/** Safari knows when the picture was filmed. */
function startDate_ms(video) {
  const date_ms = video.getStartDate?.().getTime() ?? Number.NaN;
  return Number.isFinite(date_ms) ? date_ms + video.currentTime * 1000 : null;
}

function soundTracks(video) {
  if (video.audioTracks) return video.audioTracks.length > 0;
  return video.webkitAudioDecodedByteCount > 0 ? true : null;
}
