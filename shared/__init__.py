"""What the services share: contracts, the bus, the database, the search grammar."""
