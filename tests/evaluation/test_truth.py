"""Files that tell what really happened, in every form that is read, and what is said of those that are wrong."""

import json
from pathlib import Path

import pytest

from movinet_edge.api import ConfigurationError
from movinet_edge.evaluation.intervals import Interval
from movinet_edge.evaluation.truth import of_videos, read_truth, seconds

WANTED = [Interval("a.mp4", 1.5, 4.0, "fall"), Interval("a.mp4", 64.5, 70.0, "walk")]

FORMS = {
    "plain.csv": "video,action,start,end\na.mp4,fall,1.5,4\na.mp4,walk,1:04.5,0:01:10\n",
    "semicolons.csv": "file;label;begin;end\na.mp4;fall;1.5;4\na.mp4;walk;64.5;70\n\n",
    "tabs.tsv": "Video\tClass\tStart\tEnd\nsub/a.mp4\tfall\t1.5\t4\nsub/a.mp4\twalk\t64.5\t70\n",
    "plain.json": json.dumps(
        [
            {"video": "a.mp4", "action": "fall", "start": 1.5, "end": 4},
            {"video": "a.mp4", "action": "walk", "start": "1:04.5", "end": 70},
        ]
    ),
    "activitynet.json": json.dumps(
        {
            "version": "1.3",
            "database": {
                "a": {
                    "duration": 80.0,
                    "annotations": [
                        {"segment": [1.5, 4.0], "label": "fall"},
                        {"segment": [64.5, 70.0], "label": "walk"},
                    ],
                }
            },
        }
    ),
    "elan.eaf": """<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2026-01-01T00:00:00+00:00" FORMAT="3.0" VERSION="3.0">
<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
<MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/a.mp4" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="./a.mp4"/></HEADER>
<TIME_ORDER><TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1500"/><TIME_SLOT TIME_SLOT_ID="ts2" TIME_VALUE="4000"/>
<TIME_SLOT TIME_SLOT_ID="ts3" TIME_VALUE="64500"/><TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="70000"/></TIME_ORDER>
<TIER LINGUISTIC_TYPE_REF="default-lt" TIER_ID="default">
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
<ANNOTATION_VALUE>fall</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
<ANNOTATION_VALUE>walk</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER></ANNOTATION_DOCUMENT>""",
    "elan.txt": '"#file:///films/a.eaf"\n"#file:///films/a.mp4 -- offset: 0"\n'
    "default\t\t00:00:01.500\t1.5\t00:00:04.000\t4.0\t00:00:02.500\t2.5\tfall\n"
    "default\t\t00:01:04.500\t64.5\t00:01:10.000\t70.0\t00:00:05.500\t5.5\twalk\n",
    "via.json": json.dumps(
        {
            "project": {"pname": "x"},
            "attribute": {"1": {"aname": "what", "options": {"f": "fall", "w": "walk"}}},
            "file": {"7": {"fid": 7, "fname": "a.mp4", "type": 4, "loc": 1, "src": ""}},
            "view": {"1": {"fid_list": [7]}},
            "metadata": {
                "1_x": {"vid": "1", "flg": 0, "z": [1.5, 4.0], "xy": [], "av": {"1": "f"}},
                "1_y": {"vid": "1", "flg": 0, "z": [64.5, 70.0], "xy": [], "av": {"1": "w"}},
                "1_z": {"vid": "1", "flg": 0, "z": [3.0], "xy": [2, 1, 1, 5, 5], "av": {"1": "w"}},
            },
        }
    ),
    "via.csv": "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n"
    '# ATTRIBUTE = {"1":{"aname":"what","options":{"f":"fall"}}}\n'
    "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n"
    '"1_x","[""a.mp4""]",0,"[1.5,4]","[]","{""1"":""f""}"\n'
    '"1_y","[""a.mp4""]",0,"[64.5,70]","[]","{""1"":""walk""}"\n',
}


@pytest.mark.parametrize("name", FORMS)
def test_every_form_tells_the_same(name, tmp_path):
    file = tmp_path / name
    file.write_text(FORMS[name])
    found, strangers = of_videos(read_truth(file), [Path("a.mp4")])
    assert found == WANTED
    assert strangers == []


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("a.csv", "video,action,start,end\na.mp4,fall,soon,4\n", "line 2: 'soon' is no time"),
        ("a.csv", "video,action,start,end\na.mp4,fall,5,4\n", "line 2: 'fall' from 5 s to 4 s is no span"),
        ("a.csv", "video,action,start\na.mp4,fall,5\n", "line 2 has no end"),
        ("a.csv", "hello\n", "tells of no occurrence"),
        ("a.csv", "", "tells of no occurrence"),
        ("a.json", "[1]", "entry 1 is no object"),
        ("a.json", "{", "Expecting property name"),
        ("a.json", '{"a": 1}', "holds neither a list"),
        ("a.json", '{"database": {"x": {"annotations": [{"label": "y"}]}}}', "no form that is known"),
        ("a.json", '[{"video": "a", "action": "b", "start": -1, "end": 2}]', "entry 1: -1 is no time"),
        ("a.json", '[{"video": "a", "action": "b", "start": true, "end": 2}]', "entry 1: True is no time"),
        ("a.eaf", "<x", "is not XML"),
        ("a.eaf", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaa">]><x>&a;</x>', "which ELAN never writes"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(name, text, told, tmp_path):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigurationError) as error:
        read_truth(file)
    assert str(error.value).startswith(f"{file}")
    assert told in str(error.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot be read: No such file"):
        read_truth(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("text", "value"), [("4", 4.0), ("4.5", 4.5), ("4,5", 4.5), ("1:04.5", 64.5), ("1:00:00", 3600.0), (3, 3.0)]
)
def test_times(text, value):
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["", "a", "1:2:3:4", "1:99", "-1", "nan", None, [], float("inf"), float("nan")])
def test_no_times(text):
    with pytest.raises(ValueError, match="is no time"):
        seconds(text)


def test_videos_are_found_by_path_name_or_stem_and_others_are_told():
    names = ("films/a.mp4", "a", "b", "v_b.mp4", "other.mp4")
    truth = [Interval(name, 0.0, 1.0, "x") for name in names]
    found, strangers = of_videos(truth, [Path("/films/a.mp4"), Path("/films/v_b.mp4")])
    assert [interval.video for interval in found] == ["/films/a.mp4"] * 2 + ["/films/v_b.mp4"] * 2
    assert strangers == ["other.mp4"]


def test_a_mark_without_a_video_belongs_to_all():
    found, _ = of_videos([Interval("", 0.0, 1.0, "x")], [Path("a.mp4"), Path("b.mp4")])
    assert [interval.video for interval in found] == ["a.mp4", "b.mp4"]


@pytest.mark.parametrize(("name", "text"), [("a.csv", "video,action,start,end\n"), ("a.json", " []\n")])
def test_nothing_happens(name, text, tmp_path):
    (tmp_path / name).write_text(text)
    assert read_truth(tmp_path / name) == []
