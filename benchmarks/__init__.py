"""The comparisons that the README quotes, each one command: `make bench-…`."""
