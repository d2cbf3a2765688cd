"""A steady stream of launches through the packaged function, and where its processor time goes."""
