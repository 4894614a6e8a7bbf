//! `livedir-publisher` as its users meet it: the real program, real files, and other people's programs to judge them.

mod stream;
mod support;
