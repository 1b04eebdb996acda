"""The explorer: a network as one self-contained page, and as a view in notebooks. No mathematics."""
