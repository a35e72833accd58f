//! Upstreams: where they are, which dialect they speak, how to sign.
