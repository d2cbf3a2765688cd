"""What is read from AWS: each module answers one kind of question, and never takes "forbidden" for "none"."""
