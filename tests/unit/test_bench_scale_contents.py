import pytest

from tests.bench.scale.contents import Contents
from tests.bench.scale.loader import Place

TITLE = "Searches: 1 experiment of 10 runs"
PLACE = Place(["7"], ["aa", "bb"])


def test_new_folder_holds_nothing(tmp_path):
    assert Contents(tmp_path).of(TITLE) == {}


def test_later_call_finds_what_an_earlier_one_has_loaded(tmp_path):
    contents = Contents(tmp_path)
    contents.add(TITLE, "Warren", PLACE)
    contents.add("Histories", "Warren", Place(["8"]))
    later = Contents(tmp_path)
    assert later.of(TITLE) == {"Warren": PLACE}
    assert later.of("Histories") == {"Warren": Place(["8"])}


def test_content_of_another_peer_is_added_to_those_that_are_there(tmp_path):
    Contents(tmp_path).add(TITLE, "Warren", PLACE)
    Contents(tmp_path).add(TITLE, "FastTrackML", Place(["1"]))
    assert Contents(tmp_path).of(TITLE) == {"Warren": PLACE, "FastTrackML": Place(["1"])}


def test_data_set_of_another_size_is_refused(tmp_path):
    contents = Contents(tmp_path)
    contents.add(TITLE, "Warren", PLACE)
    contents.refuse_other(TITLE, "Searches")
    with pytest.raises(ValueError, match="of 10 runs.*excludes.*of 20 runs"):
        contents.refuse_other("Searches: 1 experiment of 20 runs", "Searches")
