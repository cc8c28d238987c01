"""The statements that load a data set into each server's tables."""
