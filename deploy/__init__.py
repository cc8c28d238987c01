"""Deployment: containers and Kubernetes, provisioning of servers, and Warren on one machine without containers."""
