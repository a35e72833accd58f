//! The whole way of a request, stage by stage, over real sockets.

mod accept;
mod admit;
mod lossless;
mod stage;
