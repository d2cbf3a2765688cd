"""TOML that people write: read into structs, and of what is wrong each fault with its line, in words."""
