// The page's state machine, event by event, with its own clock.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { initial, shownState, step } from '../../../webroot/player/state.js';

/** A page with a clock: each call is one event; `actions` is what it would have done. */
class Page {
  constructor(mode = 'hls.js') {
    this.now_ms = 0;
    this.position_s = 0;
    this.model = initial(0, mode);
    this.actions = [];
  }

  tell(event) {
    const { model, action } = step(this.model, { ...event, now_ms: this.now_ms });
    this.model = model;
    if (action) this.actions.push(action);
    return this;
  }

  playlist(last, more = {}) {
    return this.tell({ type: 'playlist', first: last - 9, last, ended: false, target_s: 2, edge_ms: last * 2000, age_s: 1, ...more });
  }

  failed(reason) {
    return this.tell({ type: 'playlist_failed', reason });
  }

  /** Ticks by, with the picture moving or not; the playlist is left to the caller. */
  run(seconds, { speed = 1, ...more } = {}) {
    for (let tick = 0; tick < seconds * 4; tick += 1) {
      this.now_ms += 250;
      this.position_s += speed / 4;
      this.tell({
        type: 'playhead', position_s: this.position_s, paused: false, hidden: false, finished: false, ahead_s: 6, behind_s: 0, ...more,
      });
    }
    return this;
  }

  /** What it did since the last call, without the reading of playlists. */
  done() {
    return this.actions.splice(0).filter((action) => action !== 'probe');
  }

  playing(last = 10) {
    this.playlist(last).run(10);
    assert.deepEqual(this.done(), ['open']);
    assert.equal(shownState(this.model), 'live');
    return this;
  }

  check(state, actions) {
    assert.deepEqual({ state: shownState(this.model), actions: this.done() }, { state, actions });
    return this;
  }
}

test('a live playlist opens the player, and a moving picture is live', () => {
  new Page().playlist(10).check('connecting', ['open']).run(1).check('live', []);
});

test('a missing stream is waited for, and plays when it appears', () => {
  new Page().failed('missing').run(60, { speed: 0 }).check('waiting', []).playlist(10).check('connecting', ['open']);
});

test('the playlist is asked for again and again, but not in a storm', () => {
  const page = new Page();
  for (let second = 0; second < 60; second += 1) {
    page.run(1, { speed: 0 });
    if (page.model.probing) page.failed('unreachable');
  }
  const probes = page.actions.length;
  assert.ok(probes > 10 && probes < 40, `${probes} probes a minute`);
});

test('a server that comes back after some seconds is found at once, and one that stays away is asked ever more seldom', () => {
  const page = new Page().playing().tell({ type: 'fault', kind: 'network' });
  const gaps_ms = [];
  for (let asked_ms = null; page.now_ms < 120_000;) {
    page.run(0.25, { speed: 0, ahead_s: 0 });
    if (!page.model.probing) continue;
    if (asked_ms !== null) gaps_ms.push(page.now_ms - asked_ms);
    asked_ms = page.now_ms;
    page.failed('unreachable');
  }
  const after = (seconds) => gaps_ms[gaps_ms.findIndex((_, n) => gaps_ms.slice(0, n).reduce((sum, gap_ms) => sum + gap_ms, 0) >= seconds * 1000)];
  assert.deepEqual([0, 1, 3, 10, 60].map(after), [250, 250, 500, 1500, 5000]);
});

test('a server that is away is not called a missing stream', () => {
  new Page().failed('unreachable').check('reconnecting', []);
});

test('one segment is too little to start on', () => {
  new Page().playlist(1, { first: 1 }).check('connecting', []).playlist(2, { first: 1 }).check('connecting', ['open']);
});

test('the browsers own player starts only with a stock behind the live edge', () => {
  new Page('native').playlist(3, { first: 1 }).check('connecting', []).playlist(4, { first: 1 }).check('connecting', ['open']);
});

test('the playlist of a dead publisher is not opened until it moves', () => {
  const page = new Page().playlist(10, { age_s: 3600 }).check('waiting', []);
  assert.equal(page.model.why, 'stale');
  page.playlist(10, { age_s: 3602 }).check('waiting', []).playlist(11, { age_s: 3602 }).check('connecting', ['open']);
});

test('an ended stream plays out, says so, and is opened again when it is live again', () => {
  const page = new Page().playing().playlist(11, { ended: true }).run(3).check('live', []);
  page.run(1, { speed: 0, finished: true, paused: true }).check('ended', []);
  page.run(60, { speed: 0, finished: true, paused: true }).check('ended', []);
  page.playlist(13).check('connecting', ['open']);
});

test('a stream that comes back to life before it has played out is opened anew', () => {
  new Page().playing().playlist(11, { ended: true }).run(1).playlist(13).check('reconnecting', ['open']);
});

test('a drained buffer is filled before the picture goes on', () => {
  const page = new Page().playing().run(3, { speed: 0, ahead_s: 0 }).check('reconnecting', ['hold']);
  page.run(30, { speed: 0, ahead_s: 0 }).check('reconnecting', []);
  page.playlist(11).run(1, { speed: 0, ahead_s: 2 }).check('reconnecting', []);
  page.playlist(12).run(1, { speed: 0, ahead_s: 4 }).check('reconnecting', ['release']).run(1).check('live', []);
});

test('a playhead that an engine sets while the picture is held is no picture', () => {
  const page = new Page().playing().run(3, { speed: 0, ahead_s: 0 }).check('reconnecting', ['hold']);
  page.run(0.25, { ahead_s: 2 }).check('reconnecting', []);
});

test('a held picture goes on with a single segment when no other follows', () => {
  const page = new Page().playing().run(3, { speed: 0, ahead_s: 0 }).check('reconnecting', ['hold']);
  page.playlist(11).run(5, { speed: 0, ahead_s: 2 }).check('reconnecting', ['release']);
});

test('a picture that stands in spite of a full buffer is pushed, then rebuilt', () => {
  const page = new Page().playing().run(4.5, { speed: 0 }).check('reconnecting', ['jump']);
  page.run(4.5, { speed: 0 }).check('reconnecting', ['open']);
  assert.equal(page.model.recoveries, 2);
});

test('a player that never gets well is rebuilt ever more seldom, but for ever', () => {
  const page = new Page().playing().run(600, { speed: 0 });
  const early = page.done().length;
  page.run(600, { speed: 0 });
  const late = page.done().length;
  assert.ok(late > 30 && late < 70 && late <= early, `${early} then ${late} in ten minutes`);
});

test('nothing is rebuilt while the publisher is away', () => {
  const page = new Page('native').playing().run(120, { speed: 0, ahead_s: 0 });
  page.check('reconnecting', []);
});

test('a network fault loads on as soon as the playlist can be read again', () => {
  const page = new Page().playing().tell({ type: 'fault', kind: 'network' }).run(2).check('live', []);
  page.failed('unreachable').run(5).check('live', []).playlist(14).check('live', ['resume']);
});

test('a media fault is mended at once, and a second one rebuilds', () => {
  const page = new Page().playing().tell({ type: 'fault', kind: 'media' }).check('live', ['recover_media']);
  page.tell({ type: 'fault', kind: 'media' }).run(1.25, { speed: 0 }).check('reconnecting', ['open']);
});

test('where the browser loses what it is given the player is built anew, and nothing is leapt over', () => {
  new Page().playing().tell({ type: 'fault', kind: 'lost' }).check('reconnecting', ['open']);
});

test('sequence numbers that start again mean a new stream', () => {
  const page = new Page().playing().playlist(2, { first: 1, edge_ms: 40_000 });
  page.check('reconnecting', ['open']);
});

test('an old copy of the playlist from a cache is no new stream', () => {
  new Page().playing().playlist(9).check('live', []);
});

test('a stream that was taken away is waited for', () => {
  const page = new Page().playing();
  for (let second = 0; second < 24; second += 1) page.failed('missing').run(1, { speed: 0, ahead_s: 0 });
  page.check('waiting', ['hold', 'close']);
});

test('a viewer who was held up by an outage is brought back to live', () => {
  const page = new Page().playing().run(3, { speed: 0, ahead_s: 0 }).check('reconnecting', ['hold']);
  page.run(0.25, { speed: 0, ahead_s: 20 }).check('reconnecting', ['release']);
  page.run(0.5, { behind_s: 12 }).check('behind', ['jump']);
});

test('how far behind an outage has left a viewer is judged by a list of after it', () => {
  const page = new Page().tell({ type: 'pace', pace: 'fast' }).playing();
  page.run(3, { speed: 0, ahead_s: 0, behind_s: 0 });
  // The page itself has read the new list, and the engine not yet.
  page.now_ms += 100;
  page.playlist(11).run(0.5, { behind_s: 0.2 }).check('live', []);
  page.playlist(12).run(0.25, { behind_s: 3 }).check('behind', ['jump']);
  page.run(3, { speed: 0, ahead_s: 0 }).run(0.5, { behind_s: 0.2 }).playlist(13).run(0.25, { behind_s: 0.2 }).run(2, { behind_s: 3 });
  assert.deepEqual(page.done(), [], 'who was not behind by then fell behind by himself');
});

test('a viewer who paused stays behind, and goes to live by wish', () => {
  const page = new Page().playing().run(60, { speed: 0, paused: true }).check('paused', []);
  page.run(5, { behind_s: 12 }).check('behind', []).tell({ type: 'go_live' }).check('behind', ['jump']);
});

test('a page that is shown again goes back to live', () => {
  const page = new Page().playing().run(60, { speed: 0, hidden: true, behind_s: 30 });
  page.check('reconnecting', []).tell({ type: 'shown' }).check('behind', ['jump']);
});

test('stalls are counted while the picture moves, not while it starts', () => {
  const page = new Page().playlist(10).tell({ type: 'stall' }).run(0.5).tell({ type: 'stall' });
  assert.equal(page.model.stalls, 0);
  page.run(5).tell({ type: 'stall' });
  assert.equal(page.model.stalls, 1);
});

test('the other list is opened at once, and is no repair', () => {
  const page = new Page().playing().tell({ type: 'pace', pace: 'fast' }).check('connecting', ['open']);
  assert.equal(page.model.recoveries, 0);
  new Page().tell({ type: 'pace', pace: 'fast' }).check('connecting', []).playlist(1, { first: 1 }).check('connecting', ['open']);
});

test('while it changes lists the viewer is told so, and only then', () => {
  const page = new Page().playing().tell({ type: 'pace', pace: 'fast' });
  assert.equal(page.playlist(11).model.why, 'switching');
  assert.equal(page.run(1).model.why, null);
  assert.equal(new Page().tell({ type: 'pace', pace: 'fast' }).playlist(11).model.why, null);
});

test('on the fast list a dry buffer is not held up, and who stood behind is brought back', () => {
  const page = new Page().tell({ type: 'pace', pace: 'fast' }).playing();
  page.run(3, { speed: 0, ahead_s: 0 }).check('reconnecting', []);
  page.run(0.5, { behind_s: 3 }).check('behind', ['jump']);
});

test('on the fast list only who paused stays far behind', () => {
  const fast = () => new Page().tell({ type: 'pace', pace: 'fast' }).playing();
  fast().run(5, { behind_s: 3 }).check('behind', []).run(1, { behind_s: 9 }).check('behind', ['jump']);
  const page = fast().run(5, { speed: 0, paused: true, behind_s: 9 }).run(60, { behind_s: 9 }).check('behind', []);
  assert.ok(page.model.byChoice);
  page.tell({ type: 'go_live' }).run(1, { behind_s: 0.1 }).check('live', ['jump']);
  assert.ok(!page.model.byChoice);
});

test('a browser without any HLS says so and does nothing', () => {
  new Page(null).run(5).playlist(10).check('unsupported', []);
});

test('a codec that the browser cannot decode is said, and tried again after a while in case it has changed', () => {
  const page = new Page().playlist(10);
  assert.deepEqual(page.done(), ['open']);
  page.tell({ type: 'fault', kind: 'decoder', codec: 'HEVC' }).check('undecodable', ['close']);
  assert.equal(page.model.codec, 'HEVC');
  for (let last = 11; last < 20; last += 1) page.playlist(last).run(2, { speed: 0, ahead_s: 0 });
  page.check('undecodable', []);
  page.playlist(21).run(2.5, { speed: 0, ahead_s: 0 }).check('undecodable', ['open']);
  page.tell({ type: 'fault', kind: 'decoder', codec: 'HEVC' }).check('undecodable', ['close']);
  page.run(21, { speed: 0, ahead_s: 0 }).check('undecodable', ['open']);
  page.run(1).check('live', []);
});

test('a stream that cannot be decoded and goes away is waited for', () => {
  const page = new Page().playlist(10).tell({ type: 'fault', kind: 'decoder', codec: '' });
  page.failed('missing').check('waiting', ['open', 'close']);
  page.playlist(11).check('undecodable', ['open']);
  page.run(1).check('live', []);
});
