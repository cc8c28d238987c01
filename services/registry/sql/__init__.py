"""Named queries of the registry service, one file a noun."""
