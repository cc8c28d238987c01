"""Named queries of the access service, one file per noun."""
