"""Why a number is what it is: values, gradients, paths, and the check of it all."""
