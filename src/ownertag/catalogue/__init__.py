"""What creates what: one TOML file per AWS service, and the loader that refuses a bad row with advice."""
