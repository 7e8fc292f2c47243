"""The interpreter of a program: where one is found, which is asked for, what is known of it."""
