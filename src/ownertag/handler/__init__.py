"""What Lambda runs: settings from the environment, real adapters, and the function that the event source calls."""
