"""Training a method: strategy, loop, checkpoints, summaries, stopping, several workers."""
