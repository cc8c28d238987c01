"""Names of roles on the command line."""

ROLES = {
    "guest": 10,
    "planner": 15,
    "reporter": 20,
    "developer": 30,
    "maintainer": 40,
    "owner": 50,
}
NAMES = {level: name for name, level in ROLES.items()}
