// The state machine of the page: what happened → what to do next, and what to tell the viewer.
// In: events, each with its time. Out: a new model and at most one action. Pure: no clock, no page, no network.
//
//   looking ──no playlist──▶ waiting ──live playlist──▶ open ──ENDLIST, played out──▶ ended
//      └────────────live playlist───────────────────────▲  └◀────live again─────────────┘
//   open ──no decoder for its codec──▶ undecodable ──after a while──▶ open: the publisher may have changed the codec
//
// Events   playlist {ended, first, last, edge_ms, target_s, age_s}   playlist_failed {reason: missing | unreachable}
//          playhead {position_s, paused, hidden, finished, ahead_s, behind_s}, four times a second
//          fault {kind: network | media | lost | decoder, codec}   stall   shown   go_live   pace {pace: fast | smooth}: play the other list
// Actions  probe: read the playlist · open: (re)build the player · close: take it away · jump: seek to the live edge
//          resume: load on after a network fault · recover_media: mend the decoder
//          hold, release: keep the picture standing while a drained buffer fills up again

import { closeToLive_s } from './keep_up.js';

// The picture stands this long before the viewer is told; a shorter hitch is over before it could be read.
const FREEZE_SHOWN_AFTER_MS = 1500;
// The engine mends most stalls by itself in less; a slow network needs longer for the first picture than for the next.
const STUCK_AFTER_MS = 4000;
const STUCK_AT_START_AFTER_MS = 10_000;
// Playing this long after a repair means that the repair was good.
const SETTLED_AFTER_MS = 8000;
// A playlist whose end is older than this, and does not move, belongs to a publisher that is gone.
const STALE_AFTER_S = 30;
// A playlist that is missing this long, with the picture standing, was taken away.
const GONE_AFTER_MS = 10_000;
// Less than this in the buffer, with the picture standing, is none.
const DRAINED_S = 0.3;
// A player that starts on a single segment stutters whenever the next one is late; the browsers' own start three targets
// before the end (RFC 8216 6.3.3), and Chromium's gives up where there is less.
const SEGMENTS_TO_START = { 'hls.js': 2, native: 4 };
// With parts it starts on the segment that is being filmed; one before it says where in time that is.
const SEGMENTS_TO_START_FAST = 1;
const RETRY_CAP_MS = 15_000;
// A server that restarts is back in seconds, and is asked so often; one that stays away, after every eighth of the time that
// it has been away.
const AWAY_ASKED_EVERY_MS = 250;
const AWAY_ASKED_AFTER = 1 / 8;
const AWAY_ASKED_CAP_MS = 5000;
// A browser cannot learn a codec; the publisher may start again with another one.
const OTHER_CODEC_AFTER_MS = 20_000;
// How many times the accepted distance counts as lost. At 1.5 times the speed, less is caught up in a quarter of a minute.
const TIMES_BEHIND_TO_BE_LOST = 4;

/** @param {number} now_ms @param {'hls.js'|'native'|null} mode null: this browser plays no HLS */
export function initial(now_ms, mode) {
  return {
    phase: mode ? 'looking' : 'unsupported', mode, pace: 'smooth', now_ms,
    why: null, first: null, last: null, edge_ms: null, target_s: 2, ending: false,
    heard_ms: -Infinity, advanced_ms: -Infinity, away_since_ms: null, missing_since_ms: null, probing: false,
    position_s: null, started_ms: null, moved_ms: now_ms, paused: false, hidden: false, ahead_s: 0, behind_s: null, byChoice: false,
    hold: null, catchUp: false, stood_ms: -Infinity, fault: null, attempts: 0, acted_ms: -Infinity, retry_ms: -Infinity,
    noDecoder: false, codec: '', stalls: 0, recoveries: 0,
  };
}

/** @returns {{model: object, action: ?string}} */
export function step(before, event) {
  const model = { ...before, now_ms: event.now_ms };
  const action = model.phase === 'unsupported' ? null : HANDLERS[event.type](model, event);
  return { model, action };
}

/** What the viewer is told: connecting, waiting, live, behind, paused, reconnecting, ended, undecodable or unsupported. */
export function shownState(model) {
  if (model.phase === 'looking') return 'connecting';
  if (model.phase === 'waiting') return model.why === 'unreachable' ? 'reconnecting' : 'waiting';
  if (model.phase !== 'open') return model.phase;
  if (model.noDecoder) return 'undecodable';
  if (model.paused) return 'paused';
  if (model.started_ms === null) return model.recoveries > 0 ? 'reconnecting' : 'connecting';
  if (isStanding(model)) return 'reconnecting';
  return isBehind(model) ? 'behind' : 'live';
}

const HANDLERS = {
  playlist(model, event) {
    const before = { last: model.last, edge_ms: model.edge_ms, ending: model.ending };
    const moved = before.last !== null && event.last !== before.last;
    Object.assign(model, {
      heard_ms: model.now_ms, probing: false, away_since_ms: null, missing_since_ms: null,
      first: event.first, last: event.last, edge_ms: event.edge_ms, target_s: event.target_s, ending: event.ended,
    });
    if (moved) model.advanced_ms = model.now_ms;
    if (model.phase === 'open') model.why = model.why === 'switching' ? model.why : null;
    else if (model.phase === 'undecodable') return null;
    else return considerOpening(model, moved, event);
    // Engines stop reading at ENDLIST, and lose their way when numbers start again below what they know.
    const backToLife = before.ending && !event.ended;
    const renumbered = moved && event.last < before.last && event.edge_ms > before.edge_ms;
    if (backToLife || renumbered) {
      model.recoveries += 1;
      return considerOpening(model, moved, event) ?? 'close';
    }
    return model.fault === 'network' ? repairIfDue(model) : null;
  },

  playlist_failed(model, { reason }) {
    model.heard_ms = model.now_ms;
    model.probing = false;
    model.away_since_ms = reason === 'missing' ? null : model.away_since_ms ?? model.now_ms;
    model.missing_since_ms = reason === 'missing' ? model.missing_since_ms ?? model.now_ms : null;
    model.why = reason;
    if (model.phase !== 'open') {
      Object.assign(model, { phase: 'waiting', ending: false });
      return null;
    }
    const gone = model.missing_since_ms !== null && model.now_ms - model.missing_since_ms > GONE_AFTER_MS;
    if (!gone || model.now_ms - model.moved_ms < GONE_AFTER_MS) return null;
    Object.assign(model, { phase: 'waiting', ending: false, fault: null });
    return 'close';
  },

  playhead(model, event) {
    const { position_s, paused, hidden, finished, ahead_s, behind_s } = event;
    const moved = model.position_s !== null && position_s > model.position_s;
    // An element that was given nothing yet, or has played to the end, says that it is paused too.
    Object.assign(model, { position_s, hidden, ahead_s, behind_s, paused: paused && !finished && model.phase === 'open' });
    if (model.phase === 'open') {
      if (isStanding(model)) model.stood_ms = model.now_ms;
      // While it is held, an engine may still move the playhead to where the picture will go on.
      if (moved && !model.hold) noteMovement(model);
      if (model.paused) Object.assign(model, { moved_ms: model.now_ms, byChoice: true });
      else if (!isBehind(model)) model.byChoice = false;
      const standing = isStanding(model);
      if (model.ending && (finished || (standing && !model.paused))) {
        Object.assign(model, { phase: 'ended', fault: null, attempts: 0 });
        return null;
      }
      if (standing && !model.hidden) model.catchUp = true;
      const repair = refill(model, standing) ?? catchUp(model, moved) ?? watch(model);
      if (repair) return repair;
    }
    if (model.phase === 'undecodable' && model.now_ms >= model.retry_ms) {
      model.phase = 'open';
      return opened(model);
    }
    if (model.probing || model.now_ms - model.heard_ms < probeInterval_ms(model)) return null;
    model.probing = true;
    return 'probe';
  },

  fault(model, { kind, codec }) {
    if (model.phase !== 'open') return null;
    if (kind === 'decoder') {
      Object.assign(model, {
        phase: 'undecodable', noDecoder: true, codec, fault: null, hold: null, why: null, retry_ms: model.now_ms + OTHER_CODEC_AFTER_MS,
      });
      return 'close';
    }
    model.fault = kind;
    // A network fault waits for a playlist that can be read again: asked for at the next tick.
    if (kind === 'network') return null;
    return repairIfDue(model);
  },

  stall(model) {
    // Engines report a moment of waiting while they start; only a picture that had been moving can stall.
    const running = model.started_ms !== null && model.now_ms - model.started_ms > 1000;
    if (model.phase === 'open' && running && !model.paused) model.stalls += 1;
    return null;
  },

  shown(model) {
    // Browsers slow the timers of hidden pages: what was missed there says nothing.
    Object.assign(model, { hidden: false, moved_ms: model.now_ms });
    return model.phase === 'open' && !model.paused && isBehind(model) ? 'jump' : null;
  },

  pace(model, { pace }) {
    // The two lists grow at different times: what was heard of one says nothing of the other.
    Object.assign(model, { pace, last: null, edge_ms: null });
    if (model.phase !== 'open') return null;
    model.why = 'switching';
    return opened(model);
  },

  go_live(model) {
    if (model.phase !== 'open') return null;
    Object.assign(model, { hold: null, acted_ms: model.now_ms });
    return 'jump';
  },
};

function considerOpening(model, moved, event) {
  if (model.ending) {
    Object.assign(model, { phase: 'ended', why: null });
    return null;
  }
  const enough = model.pace === 'fast' ? SEGMENTS_TO_START_FAST : SEGMENTS_TO_START[model.mode];
  if (event.last - event.first + 1 < enough) {
    Object.assign(model, { phase: 'looking', why: 'starting' });
    return null;
  }
  // The age may be wrong by a wrong clock, so a playlist that moves is always good.
  if (!moved && event.age_s !== null && event.age_s > STALE_AFTER_S) {
    Object.assign(model, { phase: 'waiting', why: 'stale' });
    return null;
  }
  Object.assign(model, { phase: 'open', why: null, attempts: 0 });
  return opened(model);
}

function opened(model) {
  Object.assign(model, {
    hold: null, catchUp: false, fault: null, started_ms: null, position_s: null, acted_ms: model.now_ms, moved_ms: model.now_ms, behind_s: null,
  });
  return 'open';
}

function reopen(model) {
  model.recoveries += 1;
  return opened(model);
}

function noteMovement(model) {
  if (model.why === 'switching') model.why = null;
  model.noDecoder = false;
  model.moved_ms = model.now_ms;
  model.started_ms ??= model.now_ms;
  if (!model.fault && model.now_ms - model.acted_ms > SETTLED_AFTER_MS) model.attempts = 0;
}

/** After the buffer ran dry: waits until a little is buffered, so that playback does not stall again at the next segment. */
function refill(model, standing) {
  if (model.hold === null) {
    const dry = standing && model.ahead_s <= DRAINED_S;
    // The browser's own HLS loads nothing while it is held; close to the live edge there is no buffer to wait for.
    if (!dry || model.mode === 'native' || model.pace === 'fast' || model.paused || model.hidden || model.fault || model.ending) return null;
    model.hold = { filling_ms: null };
    return 'hold';
  }
  if (model.ahead_s > DRAINED_S && model.hold.filling_ms === null) model.hold = { filling_ms: model.now_ms };
  const enough = model.ahead_s > 1.5 * model.target_s;
  // Whatever has come by then is all that will come soon.
  const tooLong = model.hold.filling_ms !== null && model.now_ms - model.hold.filling_ms > 2000 * model.target_s;
  if (!enough && !tooLong && !model.fault && !model.ending) return null;
  Object.assign(model, { hold: null, acted_ms: model.now_ms });
  return 'release';
}

/** A viewer who was held up by an outage did not choose to be behind; one who paused did. */
function catchUp(model, moved) {
  if (isLost(model)) model.catchUp = true;
  if (!model.catchUp || !moved || model.hold) return null;
  if (!isBehind(model)) {
    // A playlist from before the outage does not tell how far the viewer is behind.
    if (model.heard_ms > model.stood_ms) model.catchUp = false;
    return null;
  }
  model.catchUp = false;
  model.acted_ms = model.now_ms;
  return 'jump';
}

/** The watchdog: something is there to be played, and nothing moves. */
function watch(model) {
  if (model.fault === 'media' || model.fault === 'lost') return repairIfDue(model);
  if (model.fault || model.hold || model.paused || model.hidden || model.ending) return null;
  const patience_ms = model.started_ms === null ? STUCK_AT_START_AFTER_MS : STUCK_AFTER_MS;
  const stuck = model.now_ms - Math.max(model.moved_ms, model.acted_ms) > patience_ms;
  const playable = model.ahead_s > 0.5 || model.advanced_ms > model.moved_ms;
  return stuck && playable ? repairIfDue(model) : null;
}

// First the mild remedy of the fault at hand, then a new player, each time after a longer wait.
const MILD_REMEDY = { network: 'resume', media: 'recover_media', stuck: 'jump', lost: null };

function repairIfDue(model) {
  if (model.now_ms < model.retry_ms) return null;
  const remedy = MILD_REMEDY[model.fault ?? 'stuck'];
  model.retry_ms = model.now_ms + backoff_ms(model.attempts, 1000);
  model.attempts += 1;
  if (remedy === null || model.attempts > 1 || model.started_ms === null) return reopen(model);
  model.recoveries += 1;
  Object.assign(model, { hold: null, fault: null, acted_ms: model.now_ms });
  return remedy;
}

/** How long after the last news of the playlist it is read again by the page itself. */
function probeInterval_ms(model) {
  if (model.away_since_ms !== null) {
    return Math.min(Math.max(AWAY_ASKED_EVERY_MS, AWAY_ASKED_AFTER * (model.now_ms - model.away_since_ms)), AWAY_ASKED_CAP_MS);
  }
  if (model.phase === 'looking') return model.why === 'starting' ? 500 : 0;
  if (model.fault === 'network') return 1000;
  if (model.phase === 'waiting') return 1500;
  if (model.phase === 'ended' || model.ending) return 3000;
  // hls.js reports each playlist that it reads; silence for three targets deserves a second opinion.
  return Math.max(2000, model.target_s * (model.mode === 'native' ? 1000 : 3000));
}

function backoff_ms(attempts, first_ms) {
  return Math.min(first_ms * 2 ** attempts, RETRY_CAP_MS);
}

/** Too far behind to be brought back by playing faster. */
function isLost(model) {
  const settled = model.now_ms - model.acted_ms > SETTLED_AFTER_MS;
  return model.pace === 'fast' && settled && !model.byChoice && model.behind_s > TIMES_BEHIND_TO_BE_LOST * closeToLive_s(model.target_s);
}

function isStanding(model) {
  return model.started_ms !== null && model.now_ms - model.moved_ms > FREEZE_SHOWN_AFTER_MS;
}

function isBehind(model) {
  // Within two targets a player is where it should be: playlists arrive a whole segment at a time.
  const close_s = model.pace === 'fast' ? closeToLive_s(model.target_s) : Math.max(4, 2 * model.target_s);
  return model.behind_s !== null && model.behind_s > close_s;
}
