"""One file a suite; `harness.bench` says what a suite is."""
