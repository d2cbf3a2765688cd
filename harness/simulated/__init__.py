"""The hub's queue and function in simulated time: minutes of a burst take seconds, and the same seed gives the same."""
