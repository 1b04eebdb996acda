"""Kernels: the loops of native code that a step is made of, each written once for any layer."""
