"""The lines of a cycle as data, and from them why a number is what it is: values, gradients, paths."""
