//! The program from outside: the real binary on a free port, asked over plain sockets.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod support;

mod abuse;
mod as_written;
mod attacks;
mod blocking;
mod bounds;
mod caching;
mod full_house;
mod layers;
mod lifecycle;
mod lost_parts;
mod nginx;
mod nonsense;
mod operator;
mod paths;
mod ports;
mod ranges;
mod record;
mod resets;
mod signals;
mod smuggling;
mod staleness;
mod suites;
mod surface;
mod tls;
mod tricks;
#[cfg(target_os = "linux")]
mod turns;
