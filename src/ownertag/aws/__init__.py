"""Access to AWS that sources and sinks share: sessions in other accounts, pacing, and errors as values."""
