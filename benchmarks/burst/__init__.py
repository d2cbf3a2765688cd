"""Ten thousand launches at once: the article's sequence, Cloud Custodian and ownertag beside each other."""
