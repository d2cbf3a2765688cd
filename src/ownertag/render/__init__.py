"""Renders catalogue and settings to what is deployed: event patterns, policies, templates and pages."""
