// The page's one loop: events into the state machine, its actions out to the engine, the result on the screen.
// In: the page's address, the video element. Out: `window.livedir`, a read-only snapshot from which the page itself is
// drawn. One timer, four times a second, and the events of the video element; all end with the page.

import { isOnThisMachine, isStreamNamed, lowLatencyAddress, nativeWanted, streamAddress } from './address.js';
import { Captions } from './captions.js';
import { readChannels } from './channel_list.js';
import { UNKNOWN, narrowed, offset_ms } from './clock.js';
import { openHls } from './engine_hls.js';
import { openNative } from './engine_native.js';
import { FrameRate } from './frame_rate.js';
import { initialPace, isLookDue, isLookNeeded, looked, repaired, wished } from './pace.js';
import { lookForLowLatency, probe } from './probe.js';
import { SoundAlone } from './sound_alone.js';
import { initial, shownState, step } from './state.js';
import { UnaskedPause } from './unasked_pause.js';
import { openView } from './view.js';
import { rememberCaptions, rememberWish, rememberedCaptions, rememberedWish } from './wish.js';
import { WITHOUT_HLS_JS } from './words.js';

// Fine enough to see a frozen picture, coarse enough to cost nothing.
const TICK_MS = 250;
const NO_FACTS = Object.freeze({ shown_ms: null, behind_s: null, bitrate_bps: null, hasSound: null, hasPicture: null });

const video = document.getElementById('video');
const urls = { smooth: streamAddress(location.search, document.baseURI), fast: lowLatencyAddress(location.search, document.baseURI) };
const mode = chooseMode();
const frameRate = new FrameRate();
const unaskedPause = new UnaskedPause();
const soundAlone = new SoundAlone();
const captions = new Captions(video, rememberedCaptions());
const view = openView(video, {
  togglePlay, toggleSound, toggleCaptions, togglePace, goLive: () => happened({ type: 'go_live' }), isOperator: isOnThisMachine(location.hostname),
});
const tell = {
  event: happened,
  date: (answer) => { serverClock = narrowed(serverClock, answer); },
};

const ACTIONS = {
  async probe() {
    const isAnswered = !isLookNeeded(pace, model) || (await look());
    const event = isAnswered ? await probe(urls[pace.playing], tell.date) : { type: 'playlist_failed', reason: 'unreachable' };
    if ((event.reason === 'missing' || event.ended) && !hasLookedForChannels) await lookForChannels();
    happened(event);
  },
  open() {
    view.holdPicture();
    engine?.close();
    engine = model.mode === 'native' ? openNative(video, urls.smooth, tell) : openHls(window.Hls, video, urls[model.pace], model.pace, tell);
    if (model.paused) ACTIONS.release();
    else startPlaying();
  },
  close() {
    view.holdPicture();
    engine?.close();
    engine = null;
  },
  jump() {
    engine.jump();
    startPlaying();
  },
  resume() {
    engine.resume();
  },
  recover_media() {
    engine.recoverMedia();
    startPlaying();
  },
  // Pausing would be taken for the viewer's wish, and stop some browsers from loading.
  hold() {
    video.playbackRate = 0;
  },
  release() {
    video.playbackRate = 1;
  },
};

let model = initial(performance.now(), mode);
let pace = initialPace(rememberedWish());
let looking = false;
let hasLookedForChannels = isStreamNamed(location.search);
let wantsSound = false;
let engine = null;
let serverClock = UNKNOWN;
let snapshot = takeSnapshot();
Object.defineProperty(window, 'livedir', { get: () => snapshot });

video.addEventListener('waiting', () => {
  if (!video.seeking) happened({ type: 'stall' });
});
video.addEventListener('volumechange', goOnSilently);
document.addEventListener('visibilitychange', () => {
  frameRate.forget();
  if (!document.hidden) happened({ type: 'shown' });
});
if (mode === 'native' && !window.Hls) console.info(`livedir: ${WITHOUT_HLS_JS}`);
watchPictures();
setInterval(tick, TICK_MS);
tick();

function chooseMode() {
  const hlsJs = window.Hls?.isSupported();
  const native = video.canPlayType('application/vnd.apple.mpegurl') !== '';
  if (native && nativeWanted(location.search)) return 'native';
  // An iPhone has only ManagedMediaSource; its own player does better there.
  if (hlsJs && (window.MediaSource || !native)) return 'hls.js';
  return native ? 'native' : null;
}

function tick() {
  // A browser that turns the sound on pauses at once, and tells of both later.
  goOnSilently();
  const isUnasked = unaskedPause.look({
    position_s: video.currentTime, paused: video.paused && model.phase === 'open', seeking: video.seeking,
    canShow: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA,
  });
  if (isUnasked) play();
  const { behind_s } = engineFacts();
  const ahead_s = bufferedAhead_s();
  engine?.keepUp?.({ now_ms: performance.now(), behind_s, byChoice: model.byChoice, ahead_s, stalls: model.stalls });
  happened({
    type: 'playhead',
    position_s: video.currentTime,
    // A failed element says that it is paused; that is nobody's wish.
    paused: video.paused && !video.error && !isUnasked,
    finished: video.ended,
    hidden: document.hidden,
    ahead_s,
    behind_s,
  });
  captions.apply();
  if (isLookDue(pace, model, performance.now())) look();
  snapshot = takeSnapshot();
  view.render(snapshot);
}

function happened(event) {
  if (event.type === 'playlist') {
    event.age_s = event.edge_ms === null ? null : (serverNow_ms() - event.edge_ms) / 1000;
    engine?.heardPlaylist?.(event);
  }
  const now_ms = performance.now();
  const result = step(model, { ...event, now_ms });
  // What was mended because the whole server was away says nothing against the fast list.
  const isRepair = result.model.recoveries > model.recoveries && model.away_since_ms === null;
  model = result.model;
  if (result.action) ACTIONS[result.action]();
  if (isRepair) settlePace(repaired(pace, now_ms));
}

/** Where there is no stream, or an old one, but several channels, the page that lists them is shown instead. */
async function lookForChannels() {
  hasLookedForChannels = true;
  const channels = await readChannels(document.baseURI);
  if (channels !== null) location.replace(new URL('channels.html', document.baseURI));
}

/** Looks whether the fast list can be had. @returns {Promise<boolean>} false when nobody answers */
async function look() {
  // The browser's own HLS sees to its latency itself.
  if (looking || mode !== 'hls.js' || !urls.fast) return true;
  looking = true;
  const seen = await lookForLowLatency(urls);
  looking = false;
  // A server that is away says nothing of what it has.
  settlePace(looked(pace, seen ?? { blocks: false, fast: null, smooth: null }, performance.now()));
  return seen !== null;
}

function settlePace(next) {
  const isOther = next.playing !== pace.playing;
  pace = next;
  if (isOther) happened({ type: 'pace', pace: pace.playing });
}

function togglePace() {
  if (!pace.isThere) return;
  const wish = pace.playing === 'fast' ? 'smooth' : 'fast';
  rememberWish(wish);
  settlePace(wished(pace, wish));
}

function startPlaying() {
  unaskedPause.asked(video.currentTime);
  play();
}

function play() {
  ACTIONS.release();
  keepSilent();
  // A browser that refuses leaves the video paused, which the page shows with a play button.
  video.play().catch(() => {});
}

/** Goes on where the browser has turned the sound on, unless the viewer had paused before. */
function goOnSilently() {
  if (keepSilent() && model.phase === 'open' && !model.paused) startPlaying();
}

/** WebKitGTK turns the sound on by itself now and then, and then refuses to play. @returns {boolean} whether it had */
function keepSilent() {
  // The browser's own player may have been given sound by its own controls.
  const isLoud = mode === 'hls.js' && !wantsSound && !video.muted;
  if (isLoud) video.muted = true;
  return isLoud;
}

function togglePlay() {
  if (video.paused) {
    startPlaying();
    return;
  }
  unaskedPause.pausedByViewer();
  video.pause();
}

function toggleSound() {
  wantsSound = video.muted;
  video.muted = !wantsSound;
  if (wantsSound && soundAlone.isAlone) view.hear();
}

function toggleCaptions() {
  if (captions.names().length > 0) rememberCaptions(captions.press());
}

function bufferedAhead_s() {
  const { buffered, currentTime } = video;
  return buffered.length > 0 ? buffered.end(buffered.length - 1) - currentTime : 0;
}

function serverNow_ms() {
  return Date.now() + offset_ms(serverClock);
}

function engineFacts() {
  return engine?.facts() ?? NO_FACTS;
}

function takeSnapshot() {
  const facts = engineFacts();
  const { totalVideoFrames, droppedVideoFrames } = video.getVideoPlaybackQuality?.() ?? { totalVideoFrames: 0, droppedVideoFrames: 0 };
  soundAlone.look({
    now_ms: performance.now(), width: video.videoWidth, canPlay: video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA, hasPicture: facts.hasPicture,
  });
  if (!video.requestVideoFrameCallback) {
    frameRate.saw({ media_s: video.currentTime, count: totalVideoFrames - droppedVideoFrames, now_ms: performance.now() });
  }
  return Object.freeze({
    state: shownState(model),
    why: model.why,
    codec: model.codec,
    mode: model.mode,
    pace: pace.playing,
    canBeFast: pace.isThere,
    latency_s: facts.shown_ms === null ? null : Math.round(serverNow_ms() - facts.shown_ms) / 1000,
    shownDate: facts.shown_ms === null ? null : new Date(facts.shown_ms).toISOString(),
    width: video.videoWidth,
    height: video.videoHeight,
    fps: frameRate.rate(),
    bitrate_bps: facts.bitrate_bps,
    droppedFrames: droppedVideoFrames,
    stalls: model.stalls,
    recoveries: model.recoveries,
    currentTime: video.currentTime,
    muted: video.muted,
    hasSound: facts.hasSound,
    isSoundAlone: soundAlone.isAlone,
    hasHlsJs: Boolean(window.Hls),
    captions: captions.names(),
    shownCaptions: captions.shown(),
  });
}

/** Tells frameRate of each picture that is shown; where the browser cannot tell, tick() does. */
function watchPictures() {
  video.requestVideoFrameCallback?.((now_ms, { mediaTime, presentedFrames }) => {
    frameRate.saw({ media_s: mediaTime, count: presentedFrames, now_ms });
    watchPictures();
  });
}
