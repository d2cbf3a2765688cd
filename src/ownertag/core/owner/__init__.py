"""Whose a creation is: the principal of its record, the hops behind it, and the owner rules."""
