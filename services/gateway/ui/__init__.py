"""The page for browsers: static files, whose script reads the API of the same tracking URI."""
