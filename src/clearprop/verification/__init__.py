"""Checks of computed numbers: gradients against finite differences, engines against each other."""
