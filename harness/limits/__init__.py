"""A stand-in for EC2 with its limits: token buckets, limits on calls, and faults, deterministic by a seed."""
