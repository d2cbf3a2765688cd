"""Documents that nobody meant to send, and what must hold of each: `python -m harness.fuzz`, or `make fuzz`."""
