"""What brings ownertag into an organization: the function's package, its deployment, and whether it works there."""
