"""The part of GitLab's REST API that Warren has: users, groups, projects, members and tokens."""
