//! Events: every kind of thing that happens. A new one is an entry here.
//!
//! In: the stage, which channel it is about, and numbers from which the details are drawn. Out: whether it happened; what
//! cannot happen now does nothing.

use crate::{
    disk::{Disk, Failure, Node, Trouble, Who},
    encoders::{self, How, Way},
    excused::Excuse,
    schedule::{Mode, Plan},
    stage::{Stage, WEBROOT},
    world::held,
};
use fastrand::Rng;
use livedir_publisher::segment_name::{number_of_name, segment_name};
use std::{fmt::Write as _, io, path::Path};

/// What an event is to a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// A segment is made, in one way or another.
    Segment,
    /// Something befalls the stream.
    Fault,
}

/// A kind of event.
pub struct Kind {
    pub name: &'static str,
    /// How often it is drawn among those that fit.
    pub weight: u32,
    pub role: Role,
    pub fits: fn(&Plan) -> bool,
    pub act: fn(&mut Stage, usize, &mut Rng) -> bool,
}

const ALL: fn(&Plan) -> bool = |_| true;
const OURS: fn(&Plan) -> bool = Plan::is_ours;
const LADDER: fn(&Plan) -> bool = |plan| plan.mode == Mode::Ladder;
const FOREIGN: fn(&Plan) -> bool = |plan| !plan.is_ours();
const FOREIGN_WITH_PARTS: fn(&Plan) -> bool = |plan| !plan.is_ours() && plan.part_pictures.is_some();
const HEARS: fn(&Plan) -> bool = |plan| !plan.polls && plan.has_watches;

impl Kind {
    /// Whether there is a plan in which both occur.
    pub fn can_meet(&self, other: &Kind) -> bool {
        let modes = [Mode::Live, Mode::Ladder, Mode::Watch, Mode::Channels];
        modes.into_iter().any(|mode| {
            let plan = Plan { mode, ..Plan::sample() };
            (self.fits)(&plan) && (other.fits)(&plan)
        })
    }
}

const fn segment(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Segment, fits, act }
}

const fn fault(
    name: &'static str,
    weight: u32,
    fits: fn(&Plan) -> bool,
    act: fn(&mut Stage, usize, &mut Rng) -> bool,
) -> Kind {
    Kind { name, weight, role: Role::Fault, fits, act }
}

/// All kinds.
pub static KINDS: &[Kind] = &[
    segment("segment of ours", 80, OURS, |stage, _, _| own(stage, How::default())),
    segment("segment of ours, late", 4, OURS, |stage, _, rng| {
        let late_us = rng.u64(50_000..2 * stage.plan.segment_us);
        own(stage, How { late_us, line: rng.usize(0..4), ..How::default() })
    }),
    segment("one size is late by more than a segment", 3, LADDER, |stage, _, rng| {
        let late_us = stage.plan.segment_us + rng.u64(0..2 * stage.plan.segment_us);
        own(stage, How { late_us, line: rng.usize(0..4), ..How::default() })
    }),
    segment("one size gives up a segment", 4, LADDER, |stage, _, rng| {
        own(stage, How { never: true, line: rng.usize(0..4), ..How::default() })
    }),
    segment(
        "hole in our timeline",
        3,
        |plan| plan.mode == Mode::Live,
        |stage, _, _| own(stage, How { hole: true, ..How::default() }),
    ),
    segment("segment by rename", 60, FOREIGN, |stage, of, _| foreign(stage, of, How::default())),
    segment("segment by copy", 10, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Copy, ..How::default() })
    }),
    segment("segment by slow writing", 10, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Slowly, ..How::default() })
    }),
    segment("segment by link", 6, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::Link, ..How::default() })
    }),
    segment("segment by link, and its first name goes", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { way: Way::LinkAndUnlink, ..How::default() })
    }),
    segment("segment late", 4, FOREIGN, |stage, of, rng| {
        let late_us = rng.u64(50_000..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment out of order", 3, FOREIGN, |stage, of, rng| {
        let late_us = stage.plan.segment_us + rng.u64(0..stage.plan.segment_us);
        foreign(stage, of, How { late_us, ..How::default() })
    }),
    segment("segment never", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { never: true, ..How::default() })
    }),
    segment("segment twice", 3, FOREIGN, |stage, of, _| {
        foreign(stage, of, How { twice: true, ..How::default() })
    }),
    segment("part never", 8, FOREIGN_WITH_PARTS, |stage, of, rng| {
        foreign(stage, of, How { without_part: Some(rng.u32(0..4)), ..How::default() })
    }),
    fault("kill", 12, ALL, |stage, _, rng| {
        let (after, down_us) = (rng.u32(0..12), down_us(rng));
        kill(stage, after, down_us)
    }),
    fault("kill, and other settings", 4, ALL, |stage, _, rng| {
        let (after, down_us) = (rng.u32(0..12), down_us(rng));
        change(stage, rng);
        kill(stage, after, down_us)
    }),
    fault("crash loop", 2, ALL, |stage, _, rng| {
        let (count, every_us) = (rng.u64(3..8), rng.u64(200_000..2_000_000));
        for nth in 1..count {
            stage.after(nth * every_us, |stage| {
                kill(stage, 0, 50_000);
            });
        }
        kill(stage, 0, 50_000)
    }),
    fault("stop", 6, ALL, |stage, _, rng| {
        let down_us = down_us(rng);
        stop(stage, down_us)
    }),
    fault("stop, and other settings", 3, ALL, |stage, _, rng| {
        let down_us = down_us(rng);
        change(stage, rng);
        stop(stage, down_us)
    }),
    fault("stop within the first frame of a segment", 6, OURS, |stage, _, rng| {
        let (down_us, after_us) = (down_us(rng), rng.u64(0..60_000));
        let Some(border_us) = stage.encoders.next_border_us() else { return false };
        let life = stage.life.number;
        stage.at(border_us + after_us, move |stage| {
            if stage.life.number == life {
                stop(stage, down_us);
            }
        });
        stage.say(|| format!("a stop {after_us} µs after the next segment begins"));
        true
    }),
    fault("writes fail: read-only", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::ReadOnly, rng)),
    fault("writes fail: full", 4, ALL, |stage, _, rng| fail_all(stage, Trouble::Full, rng)),
    fault("writes fail: no inodes", 3, ALL, |stage, _, rng| fail_all(stage, Trouble::NoInodes, rng)),
    fault("live/ is read-only", 4, ALL, |stage, _, rng| {
        fail(stage, Trouble::ReadOnly, "/live/".to_owned(), rng)
    }),
    fault("one file cannot be written", 6, ALL, |stage, of, rng| {
        let next = stage.encoders.next_count(of) + rng.u64(0..2);
        let name = segment_name(next);
        let stem = name.trim_end_matches("ts");
        let of = match rng.u32(0..3) {
            0 => name,
            1 => format!("{stem}p0{}.", rng.u32(0..4)),
            _ => stem.to_owned(),
        };
        let trouble = [Trouble::ReadOnly, Trouble::Full, Trouble::NoInodes][rng.usize(0..3)];
        fail(stage, trouble, of, rng)
    }),
    fault("a listed segment is deleted by hand", 5, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        stage.say(|| format!("a hand deletes {name} of {of}"));
        hand(stage, of, |disk, live| disk.remove(&live.join(&name), Who::Hand));
        touched(stage, of, &name);
        true
    }),
    fault("a listed segment is overwritten by hand", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        stage.say(|| format!("a hand overwrites {name} of {of}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| {
            let path = live.join(&name);
            disk.begin(&path, Who::Hand)?;
            disk.append(&path, b"nothing of this is video", Who::Hand)?;
            disk.close(&path)
        });
        true
    }),
    fault("a listed segment is replaced by hand", 3, ALL, |stage, of, rng| {
        let (Some(name), Some(other)) = (listed(stage, of, rng), listed(stage, of, rng)) else {
            return false;
        };
        stage.say(|| format!("a hand puts a copy of {other} in the place of {name} of {of}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| {
            let bytes = disk.bytes(&live.join(&other))?;
            let written = disk.write(live, ".hand-", &bytes, None, Who::Hand)?;
            disk.rename(&written, &live.join(&name), Who::Hand)
        });
        true
    }),
    fault("a listed segment is moved away and back", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let after_us = rng.u64(10_000..3_000_000);
        stage.say(|| format!("a hand moves {name} of {of} away, and back after {} ms", after_us / 1_000));
        touched(stage, of, &name);
        let away = Path::new("/away.ts");
        hand(stage, of, |disk, live| disk.rename(&live.join(&name), away, Who::Hand));
        stage.after(after_us, move |stage| {
            hand(stage, of, |disk, live| disk.rename(away, &live.join(&name), Who::Hand));
            touched(stage, of, &name);
        });
        true
    }),
    fault("all segments are deleted by hand", 2, ALL, |stage, of, _| {
        let live = stage.directory(of);
        let names: Vec<_> =
            held(&stage.disk).entries(&live).map(|it| it.keys().cloned().collect()).unwrap_or_default();
        stage.say(|| format!("a hand deletes all segments of {of}"));
        for name in names.iter().filter(|name| name.ends_with(".ts")) {
            touched(stage, of, name);
            hand(stage, of, |disk, live| disk.remove(&live.join(&**name), Who::Hand));
        }
        true
    }),
    fault("live/ is deleted by hand", 2, ALL, |stage, of, _| {
        stage.say(|| format!("a hand deletes the directory {of} with all that is in it"));
        taken_away(stage, of);
        hand(stage, of, |disk, live| disk.remove_directory(live, true, Who::Hand));
        true
    }),
    fault("live/ is moved away and back", 2, ALL, |stage, of, rng| {
        let after_us = rng.u64(10_000..4_000_000);
        stage.say(|| format!("a hand moves the directory {of} away, and back after {} ms", after_us / 1_000));
        taken_away(stage, of);
        let away = Path::new("/away");
        hand(stage, of, |disk, live| disk.rename(live, away, Who::Hand));
        stage.after(after_us, move |stage| {
            taken_away(stage, of);
            hand(stage, of, |disk, live| {
                let _ = disk.remove_directory(live, true, Who::Hand);
                disk.rename(away, live, Who::Hand)
            });
            taken_away(stage, of);
        });
        true
    }),
    fault("a copy under a higher number", 5, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let far = rng.u64(3..200);
        let number = stage.encoders.next_count(of) + far;
        stray(stage, of, &segment_name(number), |disk, live| {
            disk.bytes(&live.join(&name)).map(|it| it.to_vec())
        })
    }),
    fault("an empty file of a huge number", 4, ALL, |stage, of, _| {
        stray(stage, of, "seg-999999999999999.ts", |_, _| Ok(Vec::new()))
    }),
    fault("a copy of a huge number, and a kill", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let done = stray(stage, of, "seg-999999999999999.ts", |disk, live| {
            disk.bytes(&live.join(&name)).map(|it| it.to_vec())
        });
        kill(stage, 0, 50_000);
        done
    }),
    fault("a copy of a part under a higher number", 3, ALL, |stage, of, rng| {
        let Some(name) = listed(stage, of, rng) else { return false };
        let number = stage.encoders.next_count(of) + rng.u64(2..50);
        let part = livedir_publisher::segment_name::part_name(number, rng.u32(0..3));
        stray(stage, of, &part, |disk, live| disk.bytes(&live.join(&name)).map(|it| it.to_vec()))
    }),
    fault("a stray file", 4, ALL, |stage, of, rng| {
        let names = [
            "notes.txt",
            "holiday.ts",
            ".seg-00000001.ts.x",
            "seg-1.ts",
            "seg-00000000.ts",
            "seg-00000001.p.ts",
            "\u{202e}.ts",
            "a b%2F..ts",
            "#EXT-X-ENDLIST.ts",
            "-rf.TS",
        ];
        stray(stage, of, names[rng.usize(0..names.len())], |_, _| Ok(b"G".repeat(188)))
    }),
    fault("a pipe in the place of a segment", 3, ALL, |stage, of, rng| {
        let name = segment_name(stage.encoders.next_count(of) + rng.u64(0..3));
        pipe(stage, of, &name)
    }),
    fault("a pipe in the place of a part", 3, ALL, |stage, of, rng| {
        let number = stage.encoders.next_count(of) + rng.u64(0..3);
        pipe(stage, of, &livedir_publisher::segment_name::part_name(number, rng.u32(0..4)))
    }),
    fault("a directory in the place of a segment", 2, ALL, |stage, of, rng| {
        let name = segment_name(stage.encoders.next_count(of) + rng.u64(0..3));
        stage.say(|| format!("a directory in the place of {name}"));
        touched(stage, of, &name);
        hand(stage, of, |disk, live| disk.make_all(&live.join(&name), Who::Hand));
        true
    }),
    fault("the playlist is cut, and a kill", 4, ALL, |stage, of, rng| {
        let at = rng.usize(..);
        spoil(stage, of, "cut", move |text| text[..at % text.len().max(1)].to_vec())
    }),
    fault("the playlist is garbage, and a kill", 3, ALL, |stage, of, rng| {
        let length = rng.usize(0..300);
        let garbage: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(length).collect();
        spoil(stage, of, "made garbage", |_| garbage)
    }),
    fault("the playlist has extreme numbers, and a kill", 4, ALL, |stage, of, rng| {
        let number =
            [1_u64 << 63, (1 << 63) - 2, u64::MAX, u64::MAX - 3, 999_999_999_999_999][rng.usize(0..5)];
        let tag = ["MEDIA-SEQUENCE", "DISCONTINUITY-SEQUENCE"][rng.usize(0..2)];
        spoil(stage, of, "given extreme numbers", move |text| {
            let text = String::from_utf8_lossy(text);
            let line = |line: &str| match line.split_once(&format!("#EXT-X-{tag}:")) {
                Some(_) => format!("#EXT-X-{tag}:{number}\n"),
                None => format!("{line}\n"),
            };
            text.lines().map(line).collect::<String>().into_bytes()
        })
    }),
    fault("the playlist is that of another stream, and a kill", 3, ALL, |stage, of, rng| {
        let first = rng.u64(1..1_000);
        spoil(stage, of, "made that of another stream", move |_| {
            format!("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXTINF:6.5,\nother/a.ts\n#EXTINF:6,\nother/b.ts\n").into_bytes()
        })
    }),
    fault("the playlist is deleted, and a kill", 3, ALL, |stage, of, _| {
        if !kill(stage, 0, 50_000) {
            return false;
        }
        stage.say(|| format!("the playlist of {of} is deleted"));
        stage.after(10_000, move |stage| {
            let path = stage.playlist(of);
            let _ = held(&stage.disk).remove(&path, Who::Hand);
            forget(stage, of);
        });
        true
    }),
    fault("the playlist is a pipe, and a kill", 3, ALL, |stage, of, _| {
        if !kill(stage, 0, 50_000) {
            return false;
        }
        stage.say(|| format!("the playlist of {of} becomes a pipe"));
        stage.after(10_000, move |stage| {
            let path = stage.playlist(of);
            let mut disk = held(&stage.disk);
            let _ = disk.remove(&path, Who::Hand);
            let _ = disk.make_pipe(&path);
            drop(disk);
            forget(stage, of);
        });
        stage.after(3_000_000, move |stage| {
            let path = stage.playlist(of);
            let mut disk = held(&stage.disk);
            if disk.at(&path).is_some_and(|it| matches!(it.node, Node::Pipe)) {
                let _ = disk.remove(&path, Who::Hand);
            }
            drop(disk);
            let now_us = stage.now_us();
            stage.judge.is_disturbed(of, now_us);
        });
        true
    }),
    fault("events are lost, and it is told", 4, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..2 * stage.plan.target_us());
        stage.say(|| format!("events are lost for {} ms, and it is told", for_us / 1_000));
        stage.ears.loses_us = stage.now_us() + for_us;
        let deaf_until_us = stage.now_us() + for_us;
        stage.judge.is_deaf_until(deaf_until_us);
        stage.after(for_us, |stage| {
            let lost = notify::Event::new(notify::EventKind::Other).set_flag(notify::event::Flag::Rescan);
            stage.translate(&Ok(lost));
        });
        true
    }),
    fault("events are lost without a word", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(10_000..stage.plan.target_us());
        stage.say(|| format!("events are lost for {} ms, without a word", for_us / 1_000));
        let until_us = stage.now_us() + for_us;
        stage.ears.loses_us = until_us;
        stage.judge.hears_nothing_until(until_us);
        true
    }),
    fault("events come twice", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..6 * stage.plan.target_us());
        stage.say(|| format!("events come twice for {} ms", for_us / 1_000));
        stage.ears.doubles_us = stage.now_us() + for_us;
        true
    }),
    fault("events come in any order", 3, HEARS, |stage, _, rng| {
        let for_us = rng.u64(100_000..6 * stage.plan.target_us());
        stage.say(|| format!("events come late and in any order for {} ms", for_us / 1_000));
        stage.ears.shuffles_us = stage.now_us() + for_us;
        true
    }),
    fault("no directory can be watched any more", 2, HEARS, |stage, _, rng| {
        let for_us = rng.u64(1_000_000..8_000_000);
        stage.say(|| format!("nothing can be watched for {} ms", for_us / 1_000));
        held(&stage.disk).has_watches = false;
        stage.judge.is_deaf_until(u64::MAX);
        stage.after(for_us, |stage| held(&stage.disk).has_watches = true);
        true
    }),
    fault("the clock is set", 5, ALL, |stage, _, rng| {
        let most_ms: u64 = [50, 2_000, 60_000, 86_400_000][rng.usize(0..4)];
        let by_ms = rng.u64(1..most_ms) as i64 * if rng.bool() { 1 } else { -1 };
        stage.say(|| format!("the clock on the wall is set by {by_ms} ms"));
        stage.time.set_wall(by_ms * 1_000);
        let now_us = stage.now_us();
        stage.judge.clock_was_set(now_us);
        true
    }),
    fault("a second program", 4, ALL, |stage, of, _| second(stage, of)),
    fault("the webroot is moved away, and a second program", 3, OURS, |stage, of, rng| {
        let after_us = rng.u64(2 * stage.plan.target_us()..4 * stage.plan.target_us());
        stage.say(|| "the webroot is moved away, and made anew".to_owned());
        for of in 0..stage.judge.count() {
            taken_away(stage, of);
            forget(stage, of);
        }
        let deaf_until_us = stage.now_us() + 2 * stage.plan.target_us();
        stage.judge.is_deaf_until(deaf_until_us);
        let mut disk = held(&stage.disk);
        let _ = disk.remove_directory(Path::new("/old"), true, Who::Hand);
        let _ = disk.rename(Path::new(WEBROOT), Path::new("/old"), Who::Hand);
        let _ = disk.make_all(Path::new(WEBROOT), Who::Hand);
        drop(disk);
        stage.after(after_us, move |stage| {
            second(stage, of);
        });
        true
    }),
    fault("the machine is slow", 3, ALL, |stage, _, rng| {
        let for_us = rng.u64(100_000..3_000_000);
        let slow_us = rng.u64(1_000..30_000);
        stage.say(|| format!("each call takes {} ms for {} ms", slow_us / 1_000, for_us / 1_000));
        held(&stage.disk).slow_us = slow_us;
        stage.slow_until_us = stage.now_us() + for_us;
        stage.judge.slow_until_us = stage.slow_until_us;
        stage.after(for_us, |stage| held(&stage.disk).slow_us = 0);
        true
    }),
];

/// A listed file, by its name.
fn listed(stage: &mut Stage, of: usize, rng: &mut Rng) -> Option<String> {
    let channel = stage.judge.channel(of);
    let segments = &channel.plain.as_ref()?.listing.segments;
    let segment = segments.get(rng.usize(..) % segments.len().max(1))?;
    channel.name(&segment.uri).filter(|_| !segment.gap)
}

/// A hand does something in the live directory of a channel.
fn hand(stage: &mut Stage, of: usize, deed: impl FnOnce(&mut Disk, &Path) -> io::Result<()>) {
    let live = stage.directory(of);
    let mut disk = held(&stage.disk);
    // What cannot be done is not done.
    let _ = deed(&mut disk, &live);
    drop(disk);
    let now_us = stage.now_us();
    stage.judge.is_disturbed(of, now_us);
}

fn touched(stage: &mut Stage, of: usize, name: &str) {
    let now_us = stage.now_us();
    stage.judge.channel(of).touched.insert(name.to_owned(), now_us);
}

/// All files of a channel are no longer where they were.
fn taken_away(stage: &mut Stage, of: usize) {
    let live = stage.directory(of);
    let names: Vec<Box<str>> =
        held(&stage.disk).entries(&live).map(|it| it.keys().cloned().collect()).unwrap_or_default();
    for name in names {
        touched(stage, of, &name);
    }
    let now_us = stage.now_us();
    stage.judge.is_disturbed(of, now_us);
    let channel = stage.judge.channel(of);
    channel.left.clear();
    // Those of a ladder have their playlists there.
    if channel.is_rendition {
        channel.forget(now_us);
    }
}

/// The playlist of a channel is no more what the program has written.
fn forget(stage: &mut Stage, of: usize) {
    let now_us = stage.now_us();
    stage.judge.channel(of).forget(now_us);
}

/// A file that no encoder has made.
fn stray(
    stage: &mut Stage,
    of: usize,
    name: &str,
    bytes: impl FnOnce(&mut Disk, &Path) -> io::Result<Vec<u8>>,
) -> bool {
    stage.say(|| format!("a stray {name} in {of}"));
    touched(stage, of, name);
    // Where the stream comes to its number it is listed, with the date of its file.
    stage.judge.channel(of).has_odd_dates |= number_of_name(name).is_some();
    let live = stage.directory(of);
    let mut disk = held(&stage.disk);
    let done = bytes(&mut disk, &live).and_then(|bytes| {
        let path = live.join(name);
        disk.begin(&path, Who::Hand)?;
        disk.append(&path, &bytes, Who::Hand)?;
        disk.close(&path)
    });
    done.is_ok()
}

fn pipe(stage: &mut Stage, of: usize, name: &str) -> bool {
    stage.say(|| format!("a pipe in the place of {name} in {of}"));
    touched(stage, of, name);
    hand(stage, of, |disk, live| disk.make_pipe(&live.join(name)));
    true
}

/// The program is killed, and the playlist is another one when it begins again.
fn spoil(
    stage: &mut Stage,
    of: usize,
    words: &str,
    spoilt: impl FnOnce(&[u8]) -> Vec<u8> + Send + 'static,
) -> bool {
    if !kill(stage, 0, 200_000) {
        return false;
    }
    stage.say(|| format!("the playlist of {of} is {words}"));
    stage.after(10_000, move |stage| {
        let path = stage.playlist(of);
        let mut disk = held(&stage.disk);
        let _ = disk.bytes(&path).and_then(|before| {
            disk.begin(&path, Who::Hand)?;
            disk.append(&path, &spoilt(&before), Who::Hand)
        });
        drop(disk);
        forget(stage, of);
    });
    true
}

/// Another program wants to write to the same directory.
/// What the event of a change takes, with room.
const UNSEEN_US: u64 = 100_000;

fn second(stage: &mut Stage, of: usize) -> bool {
    if stage.life.on_air_us.is_none() || !stage.life.is_up {
        return false;
    }
    stage.say(|| "a second program begins".to_owned());
    let webroot = if stage.plan.mode == Mode::Channels {
        stage.directory(of).parent().map(Path::to_owned).unwrap_or_default()
    } else {
        WEBROOT.into()
    };
    // Of a directory that is moved with the one that holds it no event tells; a look comes after one and a quarter target durations.
    let unseen_us = stage.plan.target_us() * 5 / 4 + UNSEEN_US;
    let disturbed_us = stage.judge.channel(of).disturbed_us;
    if disturbed_us > 0 && stage.now_us() < disturbed_us + unseen_us {
        return false;
    }
    let locked = held(&stage.disk).lock(&webroot);
    if let Ok(Some(_)) = locked {
        let on_air_us = stage.life.on_air_us.unwrap_or(0);
        let made_us = on_air_us.max(stage.judge.channel(of).spoilt_us.unwrap_or(0));
        let failing_until_us = crate::invariants::failing_until_us(&held(&stage.disk));
        let could_not_us = failing_until_us + 2 * stage.plan.target_us();
        if made_us < failing_until_us && stage.now_us() < could_not_us && Excuse::LockNotWritten.is_used() {
            return true;
        }
        stage.breaks("lock", format!("a second program is let in to {}", webroot.display()));
    }
    true
}

fn own(stage: &mut Stage, how: How) -> bool {
    let done = encoders::own_segment(stage, how);
    stage.say(|| format!("a segment of ours begins: {}", words(how)));
    done
}

fn foreign(stage: &mut Stage, of: usize, how: How) -> bool {
    let done = encoders::foreign_segment(stage, of, how);
    stage.say(|| format!("encoder {of} begins a segment: {}", words(how)));
    done
}

fn words(how: How) -> String {
    let mut words = format!("by {:?}", how.way).to_lowercase();
    if how.late_us > 0 {
        let _ = write!(words, ", {} ms late in line {}", how.late_us / 1_000, how.line);
    }
    if how.never {
        let _ = write!(words, ", and line {} never ends it", how.line);
    }
    if let Some(part) = how.without_part {
        let _ = write!(words, ", without part {part}");
    }
    if how.twice {
        words += ", twice";
    }
    if how.hole {
        words += ", and a hole behind it";
    }
    words
}

fn down_us(rng: &mut Rng) -> u64 {
    match rng.u32(0..4) {
        0 | 1 => rng.u64(10_000..300_000),
        2 => rng.u64(300_000..3_000_000),
        _ => rng.u64(3_000_000..15_000_000),
    }
}

fn kill(stage: &mut Stage, after: u32, down_us: u64) -> bool {
    if !stage.life.is_up || stage.life.stopped_us.is_some() {
        return false;
    }
    stage.life.down_us = down_us;
    stage.say(|| format!("killed before {after} more changes, and down for {} ms", down_us / 1_000));
    let mut disk = held(&stage.disk);
    if after == 0 {
        disk.is_dead = true;
    }
    disk.dies_after = Some(after);
    drop(disk);
    let life = stage.life.number;
    // One that changes nothing dies, too.
    stage.after(300_000, move |stage| {
        if stage.life.number == life && stage.life.is_up {
            held(&stage.disk).is_dead = true;
        }
    });
    true
}

pub fn stop(stage: &mut Stage, down_us: u64) -> bool {
    if !stage.life.is_up || stage.life.stopped_us.is_some() {
        return false;
    }
    stage.life.down_us = down_us;
    stage.say(|| format!("stopped, and down for {} ms", down_us / 1_000));
    encoders::own_stop(stage);
    stage.life.stopped_us = Some(stage.now_us());
    if stage.life.on_air_us.is_some() {
        let (life, after_us) = (stage.life.number, stage.chance.u64(0..5_000));
        stage.after(after_us, move |stage| {
            if stage.life.number == life {
                stage.wake(livedir_publisher::watcher::Wake::Finish);
            }
        });
    }
    true
}

/// The next run has other settings.
fn change(stage: &mut Stage, rng: &mut Rng) {
    let plan = &mut stage.next_plan;
    match rng.u32(0..4) {
        0 => plan.window = [3, 6, 10][rng.usize(0..3)],
        1 => plan.end_list = !plan.end_list,
        2 if plan.is_ours() => {
            plan.part_pictures = if plan.part_pictures.is_some() { None } else { Some(1) };
        }
        3 if plan.mode == Mode::Ladder => {
            plan.rungs = 1 + rng.usize(0..3);
            plan.has_sound = rng.bool();
        }
        _ => plan.window = 5,
    }
    let plan = plan.clone();
    stage.say(|| {
        format!(
            "next time: window {}, parts {:?}, {} sizes, sound {}, end {}",
            plan.window, plan.part_pictures, plan.rungs, plan.has_sound, plan.end_list
        )
    });
}

fn fail_all(stage: &mut Stage, trouble: Trouble, rng: &mut Rng) -> bool {
    fail(stage, trouble, WEBROOT.to_owned(), rng)
}

fn fail(stage: &mut Stage, trouble: Trouble, of: String, rng: &mut Rng) -> bool {
    let for_us = match rng.u32(0..3) {
        0 => rng.u64(10_000..200_000),
        1 => rng.u64(200_000..stage.plan.target_us()),
        _ => rng.u64(stage.plan.target_us()..6 * stage.plan.target_us()),
    };
    let until_us = stage.now_us() + for_us;
    stage.say(|| format!("{trouble:?} for {} ms: {of}", for_us / 1_000));
    held(&stage.disk).failures.push(Failure { trouble, of, until_us });
    true
}
