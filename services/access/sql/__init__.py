"""Named queries of the access service, one file a noun."""
