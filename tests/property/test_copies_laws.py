"""Laws of copies: whatever a name holds, the file is new, in its folder, and holds the bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from plcli.copies import write

ANYTHING = st.text(st.characters(exclude_categories=[]), max_size=150) | st.text("./\\-\0 a界", max_size=300)


@given(st.lists(st.tuples(ANYTHING, st.binary(max_size=9), ANYTHING), min_size=1, max_size=4))
def test_any_name_makes_a_new_file_in_the_folder(wanted: list[tuple[str, bytes, str]]) -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "out"
        made = [write(folder, stem, data, mime) for stem, data, mime in wanted]
        assert len(set(made)) == len(wanted)
        assert sorted(made) == sorted(folder.iterdir())
        assert [path.read_bytes() for path in made] == [data for _, data, _ in wanted]
        assert not any(path.name.startswith((".", "-")) or len(path.stem) > 110 for path in made)
        assert [path.name for path in Path(place).iterdir()] == ["out"]
