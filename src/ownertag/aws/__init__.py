"""The way to AWS that sources and sinks share: sessions in other accounts, and its errors as values."""
