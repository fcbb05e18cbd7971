"""How fast, against whom, on this machine: ``python -m benchmarks --help``."""
