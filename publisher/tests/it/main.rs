//! `livedir-publisher` as its users meet it: the real program, real files, and other people's programs to judge them.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod bad_input;
mod browser;
mod bytes;
mod camera;
mod captions;
mod channels;
mod check;
mod colours;
mod config;
mod copy;
mod crash;
mod encoders_choice;
mod every_webroot;
mod full_disk;
mod fuzz_corpus;
mod hevc;
mod input;
mod inspect;
mod just_live;
mod ladder;
mod layers;
mod low_latency;
mod manual;
mod microphone;
mod overlays;
mod quiet_readers;
mod radio;
mod readme;
mod remedies;
mod restart;
mod single_events;
mod sources;
mod stream;
mod support;
mod surface;
mod titles;
mod torn_reads;
mod watch;
mod watch_encoders;
mod watcher;
mod watcher_probe;
mod watcher_support;
