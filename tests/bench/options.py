"""The options that all measurements have."""

import argparse
import os
from pathlib import Path

from tests.web_server import ROOT


def parse_options(parser: argparse.ArgumentParser, *, page: str, data: str) -> argparse.Namespace:
    """Add the options of paths, and parse the command line; ``page`` and ``data`` are the defaults, below the root."""
    parser.add_argument(
        "--output", type=Path, default=ROOT / page, help=f"the page to write (default: {page})"
    )
    parser.add_argument(
        "--data",
        type=Path,
        default=ROOT / data,
        help=f"directory of the servers' data; deleted first unless it is reused (default: {data})",
    )
    parser.add_argument(
        "--venvs",
        type=Path,
        default=Path(os.environ.get("WARREN_BENCH_VENVS", ROOT / ".venvs")),
        help="directory of the environments `bench` (mlflow server) and `fasttrackml` "
        "(default: WARREN_BENCH_VENVS, or .venvs)",
    )
    options = parser.parse_args()
    options.data, options.venvs = options.data.absolute(), options.venvs.absolute()
    return options
