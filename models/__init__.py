"""What no machine here can hold, computed from what was measured and what is assumed: `make scale`."""
