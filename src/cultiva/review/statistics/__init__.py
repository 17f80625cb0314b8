"""Statistics of experiments: pure functions on the few numbers that an engine returns."""
