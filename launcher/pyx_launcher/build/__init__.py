"""Wheels of what is not one yet: source distributions, checkouts, source trees."""
