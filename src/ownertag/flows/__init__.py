"""Gather, decide, apply: what the core decides is fed with facts, and carried out. Nothing is decided here."""
