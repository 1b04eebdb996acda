"""The same mathematics, compiled: training and prediction as native code for the processor of this machine."""
