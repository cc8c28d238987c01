"""Named queries of the tracking service, one file for each noun."""
