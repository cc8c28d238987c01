"""The artifacts service: presigned URLs, listings, deletion and multipart uploads. It owns one bucket."""
