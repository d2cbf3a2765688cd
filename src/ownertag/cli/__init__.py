"""The command line: a file per command. Data goes to standard output, words and progress to standard error."""
