"""Networks: what they look like, their numbers, their names, their file."""
