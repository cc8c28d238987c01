"""Users, groups, projects, members and tokens: who may do what."""
