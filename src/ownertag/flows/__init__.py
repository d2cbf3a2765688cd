"""Gather, decide, apply: feeds the core with facts and carries out its plans. Nothing is decided here."""
