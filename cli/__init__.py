"""The command ``warren``: an operator's commands. They reach a running Warren over the bus or its REST API."""
