"""Presigned URLs, listings, deletion and multipart uploads. Owns one bucket and its credentials."""
