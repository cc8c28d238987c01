"""GitLab's REST API about users, groups, projects, members and tokens, as far as Warren has it."""
