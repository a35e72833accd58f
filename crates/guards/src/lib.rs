//! Detectors and rules that guard texts; pure.
