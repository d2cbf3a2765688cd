"""The comparisons of `docs/benchmarks.md`, each one command: `make bench-…`."""
