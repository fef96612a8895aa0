"""Reading glTF and BVH files."""

import numpy as np
import pytest
from toy_assets import NAMES, PLACES, add_animation, figure, write_bvh

from movinet_edge.training.render.body import read_mesh
from movinet_edge.training.render.bvh import BvhFile
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


def test_joints_are_found_by_the_names_of_their_source():
    assert source_joints(["other", *NAMES]).tolist() == list(range(1, len(JOINTS) + 1))
    with pytest.raises(ValueError, match="no known naming of joints fits: a, b"):
        source_joints(["a", "b"])
