"""The benchmarks' own tests: a package, so that import-linter sees it."""
