"""Labels come from a text file, from beside the model or out of it; a list that does not fit is an error."""

import io
import re
import zipfile
from dataclasses import replace

import pytest
from toy_streams import SMALL, toy_file

from movinet_edge.api import ModelError
from movinet_edge.engine import find_labels, load_model, read_labels
from movinet_edge.engine.labels import check_count, labels_beside, packed_labels, parse_labels

THREE = ("bowling", "carving ice", "playing drums")
TEXT = "bowling\ncarving ice\nplaying drums\n"


def refused(reason: str):
    return pytest.raises(ModelError, match=re.escape(reason))


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.rstrip().encode(),
        b"\xef\xbb\xbf" + TEXT.encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.encode() + b"\n  \n\n",
        b"  bowling\t\ncarving ice  \nplaying drums",
    ],
    ids=["plain", "no last newline", "byte order mark", "Windows lines", "blank end", "spaces around"],
)
def test_one_label_a_line(tmp_path, content):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    assert read_labels(path) == THREE


def test_labels_may_be_of_any_language(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("Äpfel schälen\n跳绳\n", encoding="utf-8")
    assert read_labels(path) == ("Äpfel schälen", "跳绳")


def test_an_empty_list_is_empty():
    assert parse_labels("\n\n", "labels.txt") == ()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"bowling\n\nfencing\n", ":2: a blank line where a label should be"),
        (b"\nbowling\n", ":1: a blank line where a label should be"),
        (b"bowling\nfencing\nbowling\n", ":3: label 'bowling' stands on line 1 too"),
        (b"bowling\nfencing \n fencing\n", ":3: label 'fencing' stands on line 2 too"),
        (b"bowl\xe9\n", ": the labels are not UTF-8 text (invalid continuation byte at byte 4)"),
        (b"a\n" * (1 << 20), ": too large for a list of labels (over 1 MiB)"),
    ],
    ids=["blank", "blank first", "twice", "twice but for spaces", "Latin-1", "huge"],
)
def test_bad_files_are_refused_with_the_line(tmp_path, content, reason):
    path = tmp_path / "labels.txt"
    path.write_bytes(content)
    with refused(f"{path}{reason}"):
        read_labels(path)


def test_missing_file(tmp_path):
    with refused(f"{tmp_path / 'none.txt'}: cannot read the labels: No such file or directory"):
        read_labels(tmp_path / "none.txt")


def test_folder_instead_of_a_file(tmp_path):
    with refused(f"{tmp_path}: cannot read the labels: Is a directory"):
        read_labels(tmp_path)


class TestBeside:
    @pytest.mark.parametrize("name", ["a0.v1.txt", "a0.v1_labels.txt", "a0.v1.labels.txt", "labels.txt"])
    def test_names_that_are_looked_for(self, tmp_path, name):
        model = tmp_path / "a0.v1.tflite"
        model.touch()
        assert labels_beside(model) is None
        (tmp_path / name).write_text(TEXT)
        assert labels_beside(model) == tmp_path / name
        assert find_labels(model, 3) == THREE

    def test_the_models_own_list_goes_before_the_folders(self, tmp_path):
        (tmp_path / "labels.txt").write_text("something else")
        (tmp_path / "a0.txt").write_text(TEXT)
        (tmp_path / "a0.tflite").touch()
        assert find_labels(tmp_path / "a0.tflite", 3) == THREE

    def test_a_wrong_count_is_refused(self, tmp_path):
        (tmp_path / "a0.tflite").touch()
        (tmp_path / "a0.txt").write_text(TEXT)
        with refused(f"a0.tflite tells 4 classes apart, but {tmp_path / 'a0.txt'} holds 3 labels"):
            find_labels(tmp_path / "a0.tflite", 4)

    def test_none_at_all_says_what_was_looked_for(self, tmp_path):
        (tmp_path / "a0.tflite").touch()
        with refused("a0.tflite: no labels for its 3 classes") as caught:
            find_labels(tmp_path / "a0.tflite", 3)
        assert "a0.txt is not beside it" in str(caught.value)
        assert "`--labels`" in str(caught.value)
        assert "would fit" not in str(caught.value)

    def test_none_at_all_names_lists_nearby_that_would_fit(self, tmp_path):
        (tmp_path / "a0.tflite").touch()
        (tmp_path / "ours.txt").write_text(TEXT)
        (tmp_path / "notes.txt").write_text("bought bread\n\nand milk\n")
        (tmp_path / "seven.txt").write_text("\n".join("abcdefg"))
        with refused(f"; {tmp_path / 'ours.txt'} would fit"):
            find_labels(tmp_path / "a0.tflite", 3)


@pytest.mark.parametrize("count", [2, 4, 0])
def test_one_label_for_each_class(tmp_path, count):
    assert check_count(list(THREE), 3, tmp_path / "a0.tflite", "the list given") == THREE
    with refused(f"a0.tflite tells {count} classes apart, but the list given holds 3 labels"):
        check_count(THREE, count, tmp_path / "a0.tflite", "the list given")


class TestPacked:
    """Labels in the model's own metadata: a zip archive behind the flatbuffer."""

    def model(self, tmp_path, entries: dict[str, str]):
        file = io.BytesIO(b"\x1c\0\0\0TFL3" + bytes(100))
        with zipfile.ZipFile(file, "a") as archive:
            for name, text in entries.items():
                archive.writestr(name, text)
        path = tmp_path / "packed.tflite"
        path.write_bytes(file.getvalue())
        return path

    def test_they_are_found_and_go_before_those_beside(self, tmp_path):
        path = self.model(tmp_path, {"labels.txt": TEXT})
        (tmp_path / "packed.txt").write_text("a\nb\nc")
        assert packed_labels(path) == THREE
        assert find_labels(path, 3) == THREE

    def test_a_byte_order_mark_is_no_part_of_the_first(self, tmp_path):
        assert packed_labels(self.model(tmp_path, {"labels.txt": f"\ufeff{TEXT}"})) == THREE

    def test_a_file_called_labels_goes_before_other_texts(self, tmp_path):
        path = self.model(tmp_path, {"LICENSE.txt": "free", "kinetics_Labels.TXT": TEXT, "model.json": "{}"})
        assert packed_labels(path) == THREE

    def test_any_text_will_do_where_none_is_called_labels(self, tmp_path):
        assert packed_labels(self.model(tmp_path, {"model.json": "{}", "classes.txt": TEXT})) == THREE

    @pytest.mark.parametrize("entries", [{"model.json": "{}"}, {}])
    def test_other_metadata_are_no_labels(self, tmp_path, entries):
        assert packed_labels(self.model(tmp_path, entries)) is None

    def test_a_wrong_count_is_refused(self, tmp_path):
        with refused("tells 4 classes apart, but the list packed into it holds 3 labels"):
            find_labels(self.model(tmp_path, {"labels.txt": TEXT}), 4)

    def test_bad_lines_are_refused_with_their_place(self, tmp_path):
        path = self.model(tmp_path, {"labels.txt": "a\na\n"})
        with refused(f"{path}(labels.txt):2: label 'a' stands on line 1 too"):
            packed_labels(path)

    def test_too_large(self, tmp_path):
        with refused("the packed labels.txt is too large"):
            packed_labels(self.model(tmp_path, {"labels.txt": "a" * (1 << 20) + "b"}))

    @pytest.mark.parametrize(
        ("old", "new"),
        [(b"carving", b"CARVING"), (b"PK\x01\x02", b"PK\x09\x09"), (b"PK\x03\x04", b"PK\x09\x09")],
        ids=["checksum", "directory", "entry"],
    )
    def test_a_damaged_archive(self, tmp_path, old, new):
        path = self.model(tmp_path, {"labels.txt": TEXT})
        assert old in path.read_bytes()
        path.write_bytes(path.read_bytes().replace(old, new))
        with refused(f"{path}: the labels packed into it cannot be read: "):
            packed_labels(path)

    def test_a_file_without_any(self, tmp_path):
        assert packed_labels(toy_file(SMALL, tmp_path)) is None

    def test_a_real_flatbuffer_loads_with_them(self, tmp_path):
        labels = tuple("abcdefg")
        assert load_model(toy_file(replace(SMALL, labels_metadata=labels), tmp_path)).labels == labels


def test_the_kinetics_list(models_dir):
    labels = read_labels(models_dir / "kinetics600_labels.txt")
    assert len(labels) == 600
    assert labels == tuple(sorted(labels))
