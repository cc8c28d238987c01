"""Named queries of the tracking service, one file a noun."""
