//! Every test of behaviour runs on a file and in memory.

mod runs;
