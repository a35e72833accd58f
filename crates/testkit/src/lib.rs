//! Fakes, builders and a gateway in a test.
