from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.journeys.town import Town


@pytest.fixture
def town(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Town]:
    """The town, at nine in the morning."""
    print(f"\n{request.node.name.removeprefix('test_').replace('_', ' ')}")
    with Town(tmp_path) as open_town:
        yield open_town
