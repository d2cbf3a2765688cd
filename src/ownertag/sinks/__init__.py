"""What is written to AWS: tags, and how long a message stays away."""
