"""Reading glTF and BVH files."""

import json
import shutil
import struct

import numpy as np
import pytest
from toy_assets import NAMES, PLACES, add_animation, add_mesh, figure, write_bvh

from movinet_edge.training.render.__main__ import main
from movinet_edge.training.render.assets import Assets
from movinet_edge.training.render.body import read_mesh
from movinet_edge.training.render.bvh import BvhFile
from movinet_edge.training.render.catalogue import CATALOGUE
from movinet_edge.training.render.gltf import GltfFile
from movinet_edge.training.render.motion import facing_ahead, retargeted
from movinet_edge.training.render.rotation import about, matrices
from movinet_edge.training.render.skeleton import INDEX, JOINTS, source_joints


def test_the_rest_pose_is_where_the_nodes_are(assets_folder):
    file = GltfFile(assets_folder / "mesh2motion" / "human-male.glb")
    assert np.allclose(file.rest().positions[0, : len(JOINTS)], PLACES, atol=1e-6)
    assert file.parent(INDEX["head"]) == INDEX["neck"]


def test_an_animation_turns_its_joint_and_all_below(tmp_path):
    writer = figure()
    add_animation(writer, "Rig|Raise", "left upper arm", seconds=1.0)
    writer.write(tmp_path / "a.glb")
    file = GltfFile(tmp_path / "a.glb")
    assert file.animations == ["Raise"]
    recording = file.recording("Raise")
    assert len(recording.turns) == 31
    middle = recording.turns[15]
    assert np.allclose(middle[INDEX["left forearm"]], matrices(about("z", np.pi / 2)), atol=1e-5)
    assert np.allclose(middle[INDEX["head"]], np.eye(3))
    hand = recording.positions[15, INDEX["left hand"]] - PLACES[INDEX["left upper arm"]]
    assert np.allclose(hand, (0, 0.54, 0), atol=1e-5)


def test_the_skin_follows_its_joints(assets_folder):
    skin = GltfFile(assets_folder / "mesh2motion" / "human-male.glb").skin()
    assert skin.positions.shape == (4 * len(JOINTS), 3)
    assert skin.triangles.shape == (4 * len(JOINTS), 3)
    assert np.allclose(skin.weights.sum(axis=1), 1)
    assert skin.weights[4 * INDEX["head"], INDEX["head"]] == 1


def test_a_mesh_stands_on_the_floor(assets_folder):
    mesh = read_mesh(assets_folder / "mesh2motion" / "human-male.glb")
    assert mesh.vertices[:, 1].min() == pytest.approx(0, abs=0.02)
    assert mesh.weights.shape == (len(mesh.vertices), len(JOINTS))
    assert mesh.triangles.max() < len(mesh.vertices)


def test_what_is_no_gltf_is_refused(tmp_path):
    (tmp_path / "a.glb").write_bytes(b"RIFF" + bytes(40))
    with pytest.raises(ValueError, match=r"a\.glb is no binary glTF file"):
        GltfFile(tmp_path / "a.glb")


def glb(document):
    text = json.dumps(document).encode()
    return struct.pack("<4sIIII", b"glTF", 2, 20 + len(text), len(text), 0x4E4F534A) + text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "it has no header"),
        (b"glTF\2\0\0\0", "it has no header"),
        (glb({"nodes": []})[:-5], "it ends after 28 of 33 bytes"),
        (glb({"nodes": []})[:-1] + b"\xff", "codec"),
        (glb({"asset": {"version": "2.0"}}), "it lacks 'nodes'"),
        (glb([]), "list indices"),
        (glb({"nodes": [1]}), "'int' object"),
        (glb({"nodes": [{"children": [0]}]}), "recursion"),
        (glb({"nodes": [], "animations": [{}]}), "it lacks 'name'"),
    ],
)
def test_a_damaged_gltf_is_told_in_one_line(tmp_path, content, said):
    (tmp_path / "a.glb").write_bytes(content)
    with pytest.raises(ValueError, match=rf"a\.glb is no binary glTF file, or a damaged one: .*{said}.*\Z"):
        GltfFile(tmp_path / "a.glb")


def _without_buffers(document):
    document["bufferViews"] = []


def _too_long(document):
    for accessor in document["accessors"]:
        accessor["count"] = 10**6


def _without_joints(document):
    document["skins"], document["animations"] = [{}], [{"name": "Raise", "samplers": [], "channels": []}]


def _without_mesh(document):
    del document["nodes"][-1]["mesh"], document["animations"][0]["channels"]


@pytest.mark.parametrize("spoil", [_without_buffers, _too_long, _without_joints, _without_mesh])
def test_damage_that_is_met_later_is_told_in_one_line(tmp_path, spoil):
    writer = figure()
    add_mesh(writer)
    add_animation(writer, "Raise", "left upper arm")
    spoil(writer.document)
    writer.write(tmp_path / "a.glb")
    file = GltfFile(tmp_path / "a.glb")
    for read in (file.skin, lambda: file.recording("Raise")):
        with pytest.raises(ValueError, match=r"a\.glb is no binary glTF file, or a damaged one: .+"):
            read()


def test_bvh_turns_its_world_upright(tmp_path):
    write_bvh(tmp_path / "a.bvh")
    file = BvhFile(tmp_path / "a.bvh")
    recording = file.recording()
    places = recording.positions[0, source_joints(file.names)]
    assert np.allclose(places, PLACES, atol=1e-6)
    motion = facing_ahead(retargeted(file.names, file.rest(), recording))
    assert motion.seconds == pytest.approx(6, abs=0.1)
    assert np.allclose(motion.hips[0], (0, 1, 0), atol=0.03)
    assert np.allclose(motion.turns[..., 3], 1)


def test_what_is_no_bvh_is_refused(tmp_path):
    (tmp_path / "a.bvh").write_text("HIERARCHY\n")
    with pytest.raises(ValueError, match="has no MOTION section"):
        BvhFile(tmp_path / "a.bvh")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ("Frames: 181", "Frames: 182", "it should have 182 frames of 69 values"),
        ("Frame Time: 0.0333333\n0", "Frame Time: 0.0333333\n0 1", "it should have 181 frames of 69 values"),
        ("Frame Time: 0.0333333", "Frame Time: 0", "a frame of it lasts 0.0 s"),
        ("Frame Time: 0.0333333", "Frame Time: nan", "a frame of it lasts nan s"),
        ("Frame Time: 0.0333333", "Frame Time: 1e12", "allocate"),
        ("Frames: 181\n", "", "."),
        ("Frames", "Främes", "'ascii' codec"),
        ("OFFSET 0 0 0\n\tCHANNELS", "CHANNELS", "an offset of three numbers for each of its 22 joints"),
        ("OFFSET 0 0 0\n\tCHANNELS", "OFFSET 0 0\n\tCHANNELS", "inhomogeneous"),
        ("ROOT Hips", "", "index out of range"),
        ("}\nMOTION", "}\n}\nMOTION", "pop from empty list"),
    ],
)
def test_a_damaged_bvh_is_told_in_one_line(tmp_path, was, becomes, said):
    write_bvh(tmp_path / "a.bvh")
    whole = (tmp_path / "a.bvh").read_text()
    assert was in whole
    (tmp_path / "a.bvh").write_text(whole.replace(was, becomes, 1), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"a\.bvh is no BVH file, or a damaged one: .*{said}.*\Z"):
        BvhFile(tmp_path / "a.bvh")


@pytest.mark.parametrize("lines", [0, 1])
def test_a_bvh_without_frames_is_told_in_one_line(tmp_path, lines):
    write_bvh(tmp_path / "a.bvh")
    head, _, motion = (tmp_path / "a.bvh").read_text().partition("0.0333333\n")
    (tmp_path / "a.bvh").write_text("".join([head, "0.0333333\n", *motion.splitlines(keepends=True)[:lines]]))
    with pytest.raises(ValueError, match=rf"a\.bvh is no BVH file, or a damaged one: it has {lines} frames"):
        BvhFile(tmp_path / "a.bvh")


def test_a_bvh_with_an_unknown_channel_is_told_in_one_line(tmp_path):
    write_bvh(tmp_path / "a.bvh")
    (tmp_path / "a.bvh").write_text((tmp_path / "a.bvh").read_text().replace("Xrotation", "Qrotation"))
    with pytest.raises(ValueError, match=r"a\.bvh is no BVH file, or a damaged one: "):
        BvhFile(tmp_path / "a.bvh").recording()


@pytest.mark.parametrize("kind", ["human-base", "kaykit", "bvh"])
def test_a_file_of_another_figure_is_named(assets_folder, tmp_path, kind):
    folder = shutil.copytree(assets_folder, tmp_path / "assets")
    (entry, *_) = (entry for entry in CATALOGUE if entry.source.startswith(f"{kind}/"))
    for path in (*folder.glob("*/*.glb"), *folder.glob("bvh/*.bvh")):
        # Names of the same length, so that the file stays whole.
        path.write_bytes(
            path.read_bytes()
            .replace(NAMES[INDEX["hips"]].encode(), b"x" * len(NAMES[INDEX["hips"]]))
            .replace(b"ROOT Hips", b"ROOT Hits")
        )
    with pytest.raises(ValueError, match=r"\.(glb|bvh) is no recording of a known figure: no known naming of joints"):
        Assets(folder).motion(entry, np.random.default_rng(1))
    with pytest.raises(ValueError, match=r"human-male\.glb is no body of a known kind: no known naming of joints"):
        Assets(folder).mesh("human-male")


def test_the_command_ends_with_that_line(assets_folder, tmp_path):
    folder = shutil.copytree(assets_folder, tmp_path / "assets")
    (folder / "mesh2motion" / "human-base-animations.glb").write_bytes(b"")
    with pytest.raises(SystemExit, match=r"human-base-animations\.glb is no binary glTF file, or a damaged one: "):
        main(["--assets", str(folder), "--demo", str(tmp_path / "a.mp4")])
    assert not (tmp_path / "a.mp4").exists()


def test_joints_are_found_by_the_names_of_their_source():
    assert source_joints(["other", *NAMES]).tolist() == list(range(1, len(JOINTS) + 1))
    with pytest.raises(ValueError, match="no known naming of joints fits: a, b"):
        source_joints(["a", "b"])
