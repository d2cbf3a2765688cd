"""Catalogue and settings to what is deployed, as text: nothing is written by hand that a row says already."""
