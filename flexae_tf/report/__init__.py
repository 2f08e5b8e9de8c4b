"""The page of a run: curves read back from TensorBoard files, pictures and measures."""
