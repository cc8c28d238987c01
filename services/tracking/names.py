"""Generated names for runs and logged models: ``brisk-otter-412`` as in MLflow, or as in GitLab.

A name is derived from an id, so a repeated command gives the same name.
"""

from uuid import UUID

# fmt: off
PREDICATES = [
    "able", "amber", "ample", "brave", "bright", "brisk", "calm", "candid", "clean", "clever",
    "cosmic", "crisp", "curious", "daring", "eager", "early", "fair", "fleet", "fond", "gentle",
    "glad", "golden", "grand", "handy", "hardy", "honest", "humble", "jolly", "keen", "kind",
    "lively", "lucid", "lucky", "mellow", "merry", "mild", "modest", "neat", "nimble", "noble",
    "patient", "placid", "plucky", "polite", "proud", "quick", "quiet", "rapid", "ready", "roving",
    "rustic", "serene", "sharp", "silent", "silver", "sincere", "smart", "smooth", "snug", "sober",
    "spry", "stately", "steady", "sunny", "swift", "tidy", "tough", "upbeat", "valiant", "vivid",
    "warm", "wise", "witty", "zesty",
]
NOUNS = [
    "acorn", "badger", "bass", "bear", "beetle", "birch", "bison", "bobcat", "burrow", "calf",
    "carp", "cedar", "clover", "cod", "colt", "crab", "crane", "cub", "deer", "dove", "duck",
    "eagle", "eel", "elk", "fern", "finch", "fox", "frog", "gnat", "goat", "goose", "grouse",
    "gull", "hare", "hawk", "hen", "heron", "hound", "ibis", "jay", "kit", "koala", "lamb", "lark",
    "lynx", "mink", "mole", "moose", "moth", "mouse", "newt", "otter", "owl", "ox", "panda",
    "perch", "pika", "pine", "pony", "quail", "rabbit", "ram", "raven", "robin", "seal", "shad",
    "shrew", "sloth", "snail", "sparrow", "squid", "stag", "stoat", "stork", "swan", "toad",
    "trout", "vole", "whale", "wolf", "wren", "yak",
]
# fmt: on
MLFLOW_NUMBERS = 1000
# fmt: off
ANIMALS = [
    "alpaca", "badger", "beaver", "bison", "bobcat", "buffalo", "camel", "caribou", "cheetah", "cobra",
    "condor", "cougar", "coyote", "crane", "cricket", "dolphin", "donkey", "eagle", "egret", "falcon",
    "ferret", "finch", "gazelle", "gecko", "giraffe", "gopher", "hamster", "heron", "hornet", "iguana",
    "impala", "jackal", "jaguar", "kestrel", "lemming", "lemur", "leopard", "lizard", "llama", "lobster",
    "macaw", "magpie", "marmot", "marten", "meerkat", "mongoose", "muskrat", "narwhal", "ocelot",
    "octopus", "osprey", "ostrich", "otter", "oyster", "parrot", "peacock", "pelican", "penguin",
    "pheasant", "puffin", "python", "rabbit", "raccoon", "salmon", "seahorse", "skunk", "sparrow",
    "starling", "tapir", "tiger", "tortoise", "toucan", "turtle", "vulture", "walrus", "weasel",
    "wombat", "zebra",
]
# fmt: on
GITLAB_NUMBERS = 10_000


def mlflow_name(run_id: UUID) -> str:
    """Return a predicate, a noun and a number, as MLflow names runs."""
    rest, number = divmod(run_id.int, MLFLOW_NUMBERS)
    rest, noun = divmod(rest, len(NOUNS))
    predicate = rest % len(PREDICATES)
    return f"{PREDICATES[predicate]}-{NOUNS[noun]}-{number}"


def gitlab_name(run_id: UUID) -> str:
    """Return three animals and a number, as GitLab names runs and the runs of versions."""
    rest, number = divmod(run_id.int, GITLAB_NUMBERS)
    animals = []
    for _ in range(3):
        rest, animal = divmod(rest, len(ANIMALS))
        animals.append(ANIMALS[animal])
    return "-".join([*animals, str(number)])
