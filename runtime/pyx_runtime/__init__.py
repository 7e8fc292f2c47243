"""What runs inside another interpreter: standard library only, nothing of the launcher's."""
