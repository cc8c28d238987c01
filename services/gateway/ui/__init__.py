"""The page for people: static files, which read the API that lies beside them."""
