"""What moto lacks or gets wrong and we rely on, by service: each gap answers a call, or passes it on changed."""
