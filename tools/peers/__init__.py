"""The two sides of tools/benchmark_peers.py: each trains one model in a process of its own."""
