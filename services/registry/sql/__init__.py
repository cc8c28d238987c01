"""Named queries of the registry service, one file for each noun."""
