//! Run: one schedule, from the first start of the program to its last end.

use crate::{
    disk::Node,
    encoders::renditions,
    media::Medium,
    sabotage::{Fault, Sabotage},
    schedule::{Mode, Plan, Schedule},
    stage::{Broken, Stage, WEBROOT},
    statistics::Statistics,
    world::{ProgramDirectory, ToldClock, Unwound, World, WriterDirectory, held, lock},
};
use livedir_layout::guard::Guard;
use livedir_layout::numbers::Numbers;
use livedir_layout::rendition::Rendition;
use livedir_media::Medium as EncodedMedium;
use livedir_watcher::titles::Titles;
use livedir_watcher::world::{Wakes, World as WatcherWorld};
use livedir_watcher::{WatchSettings, Watcher, WatcherSettings};
use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::Arc,
};

/// More runs of the program than this are a start that never succeeds.
const MOST_LIVES: u32 = 60;

/// A schedule has so many events, unless it ends as something breaks.
pub const FEWEST_EVENTS: u64 = 200;

/// One that has too few goes on so often: where the program was down for most of the time, nobody made segments.
const MOST_LENGTHS: u32 = 6;

/// What came of a schedule.
pub struct Outcome {
    pub broken: Option<Broken>,
    /// Nothing was broken, also nothing that is known.
    pub is_whole: bool,
    pub statistics: Statistics,
    pub words: String,
    /// Of all that the program wrote and deleted.
    pub digest: u64,
}

/// How one run of the program ended.
enum End {
    /// It was killed, or broke a rule.
    Unwound,
    Stopped,
    Failed(String),
    Panicked(String),
}

/// The schedule of a seed, as long as it takes to have [`FEWEST_EVENTS`]. `without`: see [`Schedule::without`].
pub fn run_seed(seed: u64, without: &[String], is_told: bool) -> (Schedule, Outcome) {
    let mut drawn = Schedule::draw(seed);
    if drawn.plan.is_sparse() {
        drawn.go_on();
    }
    for _ in 1..MOST_LENGTHS {
        let schedule = drawn.clone().without(without);
        let outcome = run(&Arc::new(schedule.clone()), None, is_told);
        if !outcome.is_whole || outcome.statistics.events() >= FEWEST_EVENTS {
            return (schedule, outcome);
        }
        drawn.go_on();
    }
    let schedule = drawn.without(without);
    let outcome = run(&Arc::new(schedule.clone()), None, is_told);
    (schedule, outcome)
}

pub fn run(schedule: &Arc<Schedule>, fault: Option<Fault>, is_told: bool) -> Outcome {
    let stage = Stage::new(schedule, is_told);
    let world = World::new(stage, Sabotage::new(fault));
    loop {
        let end = live(&world);
        let mut stage = held(&world.stage);
        judge(&mut stage, end);
        stage.note_end();
        if stage.broken.is_some() || stage.is_over() || stage.life.number >= MOST_LIVES {
            break;
        }
        let until_us = stage.now_us() + stage.life.down_us;
        while stage.next_us() <= until_us {
            let next_us = stage.next_us();
            stage.time.pass_until(next_us);
            stage.happen();
            held(&stage.disk).told.clear();
        }
        stage.time.pass_until(until_us);
        if stage.is_over() {
            break;
        }
    }
    let mut stage = held(&world.stage);
    let mut statistics = std::mem::replace(&mut stage.statistics, Statistics::new());
    statistics.changes = held(&stage.disk).changes;
    let digest = held(&stage.disk).trace.digest();
    let is_whole = stage.broken.is_none();
    if is_whole {
        statistics.fewest = Some((statistics.events(), schedule.segments()));
    }
    let broken = stage.broken.take();
    Outcome { broken, is_whole, statistics, words: stage.words.take().unwrap_or_default(), digest }
}

fn judge(stage: &mut Stage, end: End) {
    let now_us = stage.now_us();
    match end {
        End::Unwound => {
            if stage.broken.is_none() {
                stage.say(|| "it is dead".to_owned());
            }
        }
        End::Stopped => {
            stage.say(|| "it has ended".to_owned());
            let Some(stopped_us) = stage.life.stopped_us else {
                return stage.breaks("stop", "the watcher ended, and nobody had told it to".to_owned());
            };
            let took_us = now_us - stopped_us.max(stage.life.on_air_us.unwrap_or(0));
            if took_us > 1_000_000 && stopped_us > stage.slow_until_us {
                stage.breaks("stop", format!("it took {:.3} s", took_us as f64 / 1e6));
            }
            let end_list = stage.plan.end_list;
            let disk = stage.disk.clone();
            let broken = stage.judge.note_stopped(&held(&disk), stopped_us, end_list);
            stage.take(broken);
        }
        End::Failed(error) => {
            stage.say(|| format!("it fails: {error}"));
            let is_failing = held(&stage.disk).failures.iter().any(|it| it.until_us + 1_000_000 > now_us);
            // What a person has to move away, as it says.
            let is_pipe = (0..stage.judge.count()).any(|of| {
                let path = stage.playlist(of);
                held(&stage.disk).at(&path).is_some_and(|it| matches!(it.node, Node::Pipe))
            });
            // What is taken away while it is being read ends the start, which says so, and it is tried again.
            let is_taken_away = error.contains("entity not found")
                && (0..stage.judge.count())
                    .any(|of| stage.judge.channel(of).disturbed_us >= stage.life.began_us);
            // A person moves it away then.
            let is_asked_for = is_pipe && error.contains("move it away");
            if !is_failing && !is_taken_away && !is_asked_for {
                stage.breaks("start", error);
            }
        }
        End::Panicked(words) => stage.breaks("panic", words),
    }
}

/// One run of the program.
fn live(world: &Arc<World>) -> End {
    let wakes = Wakes::new();
    held(&world.stage).begins(wakes.sender.clone());
    world.begin();
    let ended = catch_unwind(AssertUnwindSafe(|| watch(world, wakes)));
    match ended {
        Ok(Ok(())) => End::Stopped,
        // What it could not do when it died.
        Ok(Err(_)) if held(&world.disk).is_dead => End::Unwound,
        Ok(Err(error)) => End::Failed(error),
        Err(panic) => told(&*panic),
    }
}

fn told(panic: &(dyn Any + Send)) -> End {
    if panic.is::<Unwound>() {
        return End::Unwound;
    }
    let words = panic.downcast_ref::<String>().cloned();
    End::Panicked(
        words.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned())).unwrap_or_default(),
    )
}

fn watch(world: &Arc<World>, wakes: Wakes) -> Result<(), String> {
    let plan = held(&world.stage).plan.clone();
    let inner = WatcherWorld {
        directory: Arc::new(ProgramDirectory(world.clone())),
        clock: Arc::new(ToldClock(world.clone())),
    };
    let watcher = if plan.is_ours() {
        let lock = lock(&world.disk, Path::new(WEBROOT)).map_err(|error| error.to_string())?;
        let directory = Arc::new(WriterDirectory(world.disk.clone()));
        let lock = Some(lock).filter(|_| world.sabotage.locks());
        let guard = Arc::new(Guard::holding(directory, Path::new(WEBROOT), Box::new(lock)));
        let settings = watcher_settings(&plan);
        let meters: Vec<_> = settings.renditions.iter().map(|_| Arc::default()).collect();
        let watcher =
            Watcher::start_in(inner, wakes, &settings, &meters).map_err(|error| error.to_string())?;
        let watcher = watcher.guarded(guard.clone());
        held(&world.stage).note_on_air(watcher.next_segment_number(), &watcher.numbers(), Some(&guard));
        world.sabotage.note_on_air();
        return watcher.run().map_err(|error| error.to_string());
    } else {
        let settings = watch_settings(&plan);
        Watcher::watch_in(inner, wakes, &settings, Arc::default()).map_err(|error| error.to_string())?
    };
    held(&world.stage).note_on_air(1, &Numbers::any(), None);
    watcher.run().map_err(|error| error.to_string())
}

fn watcher_settings(plan: &Plan) -> WatcherSettings {
    let rendition = |(name, medium)| Rendition {
        name,
        media: vec![match medium {
            Medium::Pictures => EncodedMedium::Video,
            Medium::Sound => EncodedMedium::Audio,
        }],
    };
    WatcherSettings {
        webroot: WEBROOT.into(),
        renditions: renditions(plan).into_iter().map(rendition).collect(),
        target_duration_s: plan.target_s(),
        window_segments: plan.window,
        part_target_90k: plan.part_90k(),
        end_list: plan.end_list,
    }
}

fn watch_settings(plan: &Plan) -> WatchSettings {
    WatchSettings {
        titles: Titles::default(),
        webroot: WEBROOT.into(),
        channels: plan.mode == Mode::Channels,
        target_duration_s: None,
        window_segments: plan.window,
        part_target_90k: plan.part_90k(),
        keep: false,
        poll: plan.polls,
        end_after: None,
    }
}
