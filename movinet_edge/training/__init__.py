"""Training of the model that comes with the package: clips in, a TFLite file out. Nothing here runs in the daemon."""
