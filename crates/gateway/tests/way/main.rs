//! The whole way of a request, stage by stage, over real sockets.

mod accept;
mod admit;
mod bounds;
mod compose_guard;
mod credentials;
mod doubles;
mod edges;
mod front;
mod googles;
mod keys;
mod lossless;
mod names;
mod passing;
mod passing_faults;
mod passing_refused;
mod passing_streams;
mod quirks;
mod responses;
mod responses_targets;
mod reuse;
mod send;
mod serve;
mod stage;
mod translation;
mod transport;
mod vectors;
