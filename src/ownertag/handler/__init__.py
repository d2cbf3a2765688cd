"""What Lambda runs: reads the environment, builds the real adapters, and handles batches of the queue."""
