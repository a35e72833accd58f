//! Wire formats and their framing; pure.
