"""The `csv` sink keeps the contract of every sink, and says so when it cannot write."""

import csv

import pytest
from movinet_edge.api import DeliveryError
from movinet_edge.testing.sinks import SinkContract, example_event

from movinet_edge_template.sink import COLUMNS, CsvSettings, CsvSink


def read(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def row(event):
    fields = event.model_dump(mode="json")
    return ["" if fields[column] is None else str(fields[column]) for column in COLUMNS]


class TestContract(SinkContract):
    sink_type = CsvSink

    def settings(self):
        return {"path": self.folder / "new folder" / "events.csv"}

    def check_accepted(self, events):
        assert read(self.folder / "new folder" / "events.csv") == [list(COLUMNS), *map(row, events)]


def test_a_file_that_cannot_be_written_is_tried_again_later(tmp_path):
    sink = CsvSink(CsvSettings(path=tmp_path))
    with pytest.raises(DeliveryError, match=str(tmp_path)):
        sink.open()


def test_goes_on_in_a_new_file_when_the_old_one_was_moved_away(tmp_path):
    path = tmp_path / "events.csv"
    sink = CsvSink(CsvSettings(path=path))
    sink.open()
    path.rename(tmp_path / "yesterday.csv")
    sink.deliver(example_event())
    assert read(path) == [list(COLUMNS), row(example_event())]
