"""Pages of a run and of several, and what TensorBoard shows of them beside curves."""
