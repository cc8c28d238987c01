"""What differs between the APIs that the gateway speaks, one module each."""
