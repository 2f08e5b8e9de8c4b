"""Experiments of more than one run: lists of ordinary training runs, what is measured of them, and
the figure or table they end in."""
