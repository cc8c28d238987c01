"""The access service: users, groups, projects, members, tokens, and what each user may do."""
