"""Training: the cycle repeated until the error converges or a limit is reached."""
