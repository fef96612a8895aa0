"""Drawing: cameras, rooms, bodies, shadows, film."""

import numpy as np
import pytest

from movinet_edge.training.render.body import Body, Mesh, pose, random_body, read_mesh
from movinet_edge.training.render.camera import look_at
from movinet_edge.training.render.canvas import Canvas
from movinet_edge.training.render.film import Film, compressed, jpeg
from movinet_edge.training.render.keyframes import Key, performed
from movinet_edge.training.render.light import Light
from movinet_edge.training.render.painter import draw_body, draw_shadow
from movinet_edge.training.render.room import FAR_M, Box, Room, draw_room
from movinet_edge.training.render.skeleton import INDEX, JOINTS
from movinet_edge.training.render.textures import KINDS, texture

SIZE_PX = 100
CAMERA = look_at(np.array([0.0, 1.0, 4.0]), np.array([0.0, 1.0, 0.0]), 0.0, np.array([100.0, 100.0]), SIZE_PX)
LIGHT = Light(np.array([0.0, 1.0, 0.0]), 0.5, 0.5, 0.4)
RED = np.array([[200.0, 0, 0]])


def plain(value: float) -> np.ndarray:
    return np.full((4, 4, 3), value)


ROOM = Room(plain(100), 1.0, (-3.0, 3.0, -3.0, 5.0), 2.5, plain(200), plain(240), (np.full(3, 90.0), np.full(3, 90.0)))


def empty() -> Canvas:
    return Canvas(np.zeros((SIZE_PX, SIZE_PX, 3)), np.full((SIZE_PX, SIZE_PX), FAR_M), CAMERA)


def square(size_m: float) -> Body:
    """Two triangles that look along z, their middle 1 m above the origin."""
    half = size_m / 2
    vertices = np.array([(-half, 1 - half, 0), (half, 1 - half, 0), (half, 1 + half, 0), (-half, 1 + half, 0)])
    triangles = np.array([(0, 1, 2), (0, 2, 3)])
    mesh = Mesh(vertices, triangles, np.ones((4, 1)), np.zeros((len(JOINTS), 3)))
    return Body(mesh, np.repeat(RED, 2, axis=0))


def test_a_point_is_seen_where_it_is():
    places, depth = CAMERA.project(np.array([[0.0, 1, 0], [1.0, 1, 0], [0.0, 2, 0]]))
    assert np.allclose(places, [(50, 50), (75, 50), (50, 25)])
    assert np.allclose(depth, 4)


def test_rays_and_points_agree():
    points = CAMERA.position + CAMERA.rays() * 3.0
    places, depth = CAMERA.project(points)
    assert np.allclose(places[20, 70], (70.5, 20.5))
    assert np.allclose(depth, 3)


def test_a_body_covers_what_it_should():
    canvas, body = empty(), square(1.0)
    assert draw_body(canvas, LIGHT, body, body.mesh.vertices) == pytest.approx(1)
    covered = canvas.depth < FAR_M
    assert covered.sum() == pytest.approx(25 * 25, rel=0.1)
    assert covered[50, 50]
    assert not covered[50, 70]
    assert canvas.depth[50, 50] == pytest.approx(4)
    assert canvas.picture[50, 50, 0] > 0
    assert canvas.picture[50, 50, 1] == 0


def test_a_body_from_behind_is_not_drawn():
    canvas, body = empty(), square(1.0)
    assert draw_body(canvas, LIGHT, body, body.mesh.vertices * (-1, 1, 1)) == 0
    assert (canvas.depth == FAR_M).all()


@pytest.mark.parametrize(("shift", "seen"), [((2.0, 0, 0), 0.5), ((9.0, 0, 0), 0.0), ((0, 0, 5.0), 0.0)])
def test_what_is_outside_the_picture_is_not_seen(shift, seen):
    canvas, body = empty(), square(1.0)
    assert draw_body(canvas, LIGHT, body, body.mesh.vertices + shift) == pytest.approx(seen, abs=0.1)


def test_what_stands_in_front_hides_a_body():
    canvas, body = empty(), square(1.0)
    canvas.depth[:, :50] = 2.0
    assert draw_body(canvas, LIGHT, body, body.mesh.vertices) == pytest.approx(0.5, abs=0.06)
    assert not canvas.picture[:, :50].any()


def test_a_room_has_its_floor_walls_and_boxes_in_place():
    box = Box(np.array([0.0, 1.0, 0.0]), np.array([0.5, 0.5, 1.0]), 0.0, plain(20))
    canvas = draw_room(ROOM, [box], CAMERA, LIGHT)
    assert canvas.depth[50, 50] == pytest.approx(3.5)  # the front of the box
    assert canvas.depth[50, 75] == pytest.approx(7)  # the wall behind it
    points = CAMERA.position + CAMERA.rays()[99, 50] * canvas.depth[99, 50]
    assert points[1] == pytest.approx(0, abs=1e-9)
    assert canvas.picture[50, 50].mean() < canvas.picture[50, 75].mean()


def test_a_turned_box_shows_an_edge():
    box = Box(np.array([0.0, 1.0, 0.0]), np.array([1.0, 1.0, 1.0]), np.pi / 4, plain(20))
    depth = draw_room(ROOM, [box], CAMERA, LIGHT).depth
    assert depth[50, 50] == pytest.approx(4 - np.sqrt(0.5), abs=0.02)
    assert depth[50, 50] < depth[50, 60] < 4


def test_a_shadow_falls_on_the_floor_and_on_nothing_else(assets_folder):
    body = random_body(read_mesh(assets_folder / "mesh2motion" / "human-male.glb"), np.random.default_rng(1))
    box = Box(np.array([0.0, 0.25, 1.0]), np.array([3.0, 0.5, 0.2]), 0.0, plain(20))
    for boxes, darker in (([], True), ([box], False)):
        canvas = draw_room(ROOM, boxes, CAMERA, LIGHT)
        before = canvas.picture.copy()
        draw_shadow(canvas, LIGHT, body.mesh.joints)
        changed = (canvas.picture < before).any(axis=-1)
        assert changed.any() == darker
        assert not changed[:60].any()


def test_a_posed_body_stands_on_the_floor_unless_it_jumps(assets_folder):
    body = random_body(read_mesh(assets_folder / "mesh2motion" / "human-male.glb"), np.random.default_rng(1))
    motion = performed(
        [Key(0), Key(0.5, {"thighs": (-60, 0, 0), "shins": (60, 0, 0)}, (0, 1.4, 0))], np.random.default_rng(1)
    )
    grounded = np.arange(len(motion.turns)) < len(motion.turns) - 1
    posed = pose(body, motion, grounded)
    lowest = posed.vertices[..., 1].min(axis=1)
    assert np.allclose(lowest[:-1], 0, atol=1e-9)
    assert lowest[-1] > 0.2
    knee = posed.joints[-1, INDEX["left shin"]] - posed.joints[-1, INDEX["left thigh"]]
    assert knee[2] > abs(knee[1])


def test_bodies_differ_in_shape_and_clothes(assets_folder):
    mesh = read_mesh(assets_folder / "mesh2motion" / "human-male.glb")
    one, other, again = (random_body(mesh, np.random.default_rng(seed)) for seed in (1, 2, 1))
    assert np.array_equal(one.colours, again.colours)
    assert not np.allclose(one.mesh.vertices, other.mesh.vertices)
    assert 0.6 < one.hip_height < 1.3
    assert one.colours.min() >= 0
    assert one.colours.max() <= 255


@pytest.mark.parametrize("kind", KINDS)
def test_textures(kind):
    surface = texture(kind, np.random.default_rng(4))
    assert surface.shape == (128, 128, 3)
    assert 0 <= surface.min() < surface.max() <= 255


def test_a_surface_that_there_is_not_is_refused():
    with pytest.raises(ValueError, match="there is no surface 'marble'; known are plain, plaster"):
        texture("marble", np.random.default_rng(4))


def pictures(count: int = 5) -> list[np.ndarray]:
    rows = np.linspace(0, 255, 288, dtype=np.float32)
    return [np.stack(np.broadcast_arrays(rows[:, None], rows[None], np.float32(80)), axis=-1) for _ in range(count)]


@pytest.mark.parametrize("seed", range(8))
def test_film_is_the_same_for_the_same_seed(seed):
    developed = []
    for _ in range(2):
        random = np.random.default_rng(seed)
        film = Film.random(192, 5, random, night=seed % 2 == 0)
        developed.append(np.stack(film.develop(pictures(), random)))
    assert developed[0].shape == (5, 192, 192, 3)
    assert developed[0].dtype == np.uint8
    assert np.array_equal(*developed)
    if seed % 2 == 0:
        assert np.ptp(developed[0].astype(int), axis=-1).max() < 12  # grey, as far as a codec keeps it so


def test_more_compression_keeps_less():
    random = np.random.default_rng(1)
    sharp = [random.integers(0, 256, size=(64, 64, 3)).astype(np.uint8) for _ in range(3)]
    errors = [np.abs(np.stack(compressed(sharp, crf)).astype(int) - np.stack(sharp)).mean() for crf in (10, 40)]
    assert errors[0] < errors[1]
    assert len(jpeg(sharp[0], 40)) < len(jpeg(sharp[0], 90))


@pytest.mark.parametrize("lens", [-0.1, 0.0, 0.06])
def test_a_film_tells_where_it_shows_what(lens):
    shake = np.array([[0.0, 0.0], [7.0, -4.0], [-14.0, 10.0]])
    film = Film(
        size_px=192, lens=lens, shake=shake, gains=np.ones(3), gamma=1.0, flicker=np.ones(3), infrared=False,
        noise=0.0, blur=0.0, detail_px=192, crf=None,
    )  # fmt: skip
    places = np.array([[96.0, 96.0], [40.0, 150.0], [150.0, 60.0]])  # in px of what comes out; one a picture
    pictures = np.zeros((3, 288, 288, 3), np.float32)
    for picture, place in zip(pictures, places, strict=True):
        across, down = (1.5 * place).astype(int)
        picture[down - 2 : down + 2, across - 2 : across + 2] = 255
    developed = film.develop(list(pictures), np.random.default_rng(0))
    told = film.shown(np.tile(places, (3, 1, 1)))
    for number, picture in enumerate(developed):
        light = picture.sum(-1).astype(float)
        seen = [(light.sum(axis) * (np.arange(192) + 0.5)).sum() / light.sum() for axis in (0, 1)]
        np.testing.assert_allclose(told[number, number], seen, atol=0.3)
    unknown = film.shown(np.full((3, 1, 2), np.nan))
    assert np.isnan(unknown).all()
