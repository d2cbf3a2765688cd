"""What moto lacks or gets wrong, by service: each module answers a call itself, or passes it on changed."""
