"""The command line: what is asked for, before anything is looked at."""
