//! The program from outside: the real binary on a free port, asked over plain sockets.

#![allow(unreachable_pub)] // one program: what is public is so for its own modules

mod support;

mod abuse;
mod blocking;
mod bounds;
mod caching;
mod layers;
mod lifecycle;
mod lost_parts;
mod nginx;
mod operator;
mod paths;
mod ports;
mod ranges;
mod record;
mod resets;
mod staleness;
mod surface;
mod tls;
mod tricks;
