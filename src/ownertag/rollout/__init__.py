"""Rolls ownertag out to an organization: builds the function's package, deploys it, and checks the deployment."""
