"""The catalogue: what creates what, a TOML file per AWS service, and the loader that refuses a bad row with advice."""
