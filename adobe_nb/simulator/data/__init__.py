"""JSON files of the simulator: the demo company, extension packages, and tables of its services.

The JSON Schemas in ``schemas/`` describe the files; a test checks every file against its schema.
"""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def load(name: str) -> Any:
    """Return the content of a data file, as a new object at every call."""
    return json.loads((FOLDER / name).read_bytes())
