"""The command ``warren``: what an operator does to a running Warren, over the bus."""
