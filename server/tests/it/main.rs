//! The program from outside: the real binary on a free port, asked over plain sockets.

mod support;

mod caching;
mod lifecycle;
mod nginx;
mod paths;

mod ranges;
mod staleness;
