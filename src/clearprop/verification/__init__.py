"""Checks of what was computed: gradients against finite differences, engines against each other."""
