"""What is derived from AWS's own data into `src/ownertag/catalogue/generated/`; for development only."""
