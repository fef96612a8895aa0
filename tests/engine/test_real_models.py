"""The real files: the runtime's own loop bit for bit, the official example's conditions, and always-on use."""

import itertools

import numpy as np
import pytest
from toy_streams import reference_loop

from movinet_edge.engine import Model, load_model, read_labels

FPS = 5
SATURATED = 147.0
"""Where the head's running sum ends in the official int8 file."""

# name of the file → labels, classes, pools that are used
FILES = {
    "movinet_a0_stream_int8_v1": ("kinetics600_labels", 600, 1),
    "movinet_a0_stream_int8_cattle7": ("cattle7_labels", 7, 16),
    "movinet_a0_stream_dynamic_cattle7": ("cattle7_labels", 7, 16),
}
MEMORIES = pytest.mark.parametrize("memory", ["window", "cumulative"])


@pytest.fixture(scope="module")
def a0(a0_int8, models_dir) -> Model:
    return load_model(a0_int8, labels=read_labels(models_dir / "kinetics600_labels.txt"))


@pytest.fixture(scope="module")
def plain_a0(a0_int8, models_dir) -> Model:
    """As the official example runs it."""
    return load_model(a0_int8, labels=read_labels(models_dir / "kinetics600_labels.txt"), fast=False)


@pytest.fixture(scope="module")
def load_file(models_dir, tmp_path_factory):
    """Loads one of the three files, rewritten or as it is."""
    cache = tmp_path_factory.mktemp("rewritten")

    def load(name, *, fast):
        labels = read_labels(models_dir / f"{FILES[name][0]}.txt")
        return load_model(models_dir / f"{name}.tflite", labels=labels, fast=fast, cache=cache)

    return load


@pytest.fixture(params=itertools.product(FILES, (True, False)), ids=lambda p: f"{p[0]}-{'fast' if p[1] else 'plain'}")
def file(request, load_file) -> Model:
    """Each of the three files, rewritten and as it is."""
    name, fast = request.param
    return load_file(name, fast=fast)


def scores_of(model, pictures, state):
    """Scores `[frames, classes]`."""
    return np.stack([model.step(picture, state) for picture in pictures])


def looped(pictures, frames):
    return itertools.islice(itertools.cycle(pictures), frames)


def tensors(pictures, frames):
    return [np.float32(1 / 255) * picture for picture in looped(pictures, frames)]


def test_all_files_load(file):
    _, classes, pools = FILES[file.name]
    assert file.size_px == (172, 172)
    assert file.classes == len(file.labels) == classes
    assert len(file.interface.states) == 43
    assert len(file.interface.pools) == pools
    assert file.interface.pools[-1].channels == 480
    assert file.runtime.xnnpack is True


@pytest.mark.parametrize("name", FILES)
def test_cumulative_equals_the_runtimes_own_loop_bit_for_bit(name, load_file, carving_ice):
    file, frames = load_file(name, fast=False), tensors(carving_ice, 40)
    state = file.new_state(memory="cumulative")
    found = np.stack([file.step_tensor(frame, state) for frame in frames])
    np.testing.assert_array_equal(found, reference_loop(file.path, frames))
    assert len(np.unique(found, axis=0)) > 10, "logits that stand still would agree with anything"


@MEMORIES
def test_reset_equals_a_fresh_state_bit_for_bit(file, carving_ice, memory):
    frames = tensors(carving_ice, 15)
    used, fresh = (file.new_state(memory=memory, window=6) for _ in range(2))
    for frame in frames:
        file.step_tensor(frame, used)
    used.reset()
    for frame in frames:
        np.testing.assert_array_equal(file.step_tensor(frame, used), file.step_tensor(frame, fresh))


def test_embedding_is_the_mean_of_the_contributions_in_the_window(a0, carving_ice):
    state, alone = a0.new_state(window=4), a0.new_state(window=1)
    last = []
    for frame in tensors(carving_ice, 12):
        a0.step_tensor(frame, state)
        a0.step_tensor(frame, alone)
        # A frame's contribution does not depend on the window, as this file uses no other pool than the head.
        np.testing.assert_array_equal(state.contribution, alone.contribution)
        last = [*last, alone.embedding][-4:]
    assert state.embedding.shape == (480,)
    np.testing.assert_allclose(state.embedding, np.mean(last, axis=0), atol=1e-5)


def test_contributions_of_the_untouched_file_are_the_same_in_coarse_steps(a0, plain_a0, carving_ice):
    states = [(model, model.new_state(window=4)) for model in (a0, plain_a0)]
    for frame in tensors(carving_ice, 12):
        for model, state in states:
            model.step_tensor(frame, state)
    # Half a step is lost in the sum, half in the frame, and what the maps before it were rounded to differs.
    rewritten, untouched = (state.contribution for _, state in states)
    np.testing.assert_allclose(untouched, rewritten, atol=2 * SATURATED / 255)
    assert np.corrcoef(untouched, rewritten)[0, 1] > 0.9


@pytest.mark.parametrize("window", [25, 400])
def test_a_long_window_does_not_saturate(a0, carving_ice, window):
    """The official file's own sum is full after some 150 frames; 400 frames of one scene would fade to half."""
    state = a0.new_state(window=window)
    carving = a0.labels.index("carving ice")
    rounds = []
    for index, picture in enumerate(looped(carving_ice, 40 * len(carving_ice)), start=1):
        scores = a0.step(picture, state)
        if index % len(carving_ice) == 0:
            rounds.append(scores[carving])
    assert min(rounds) > 0.9
    assert np.ptp(rounds[400 // len(carving_ice) + 1 :]) < 0.02
    if window == 400:
        assert state.tensors.sums.max() > 2 * SATURATED


class TestOfficialExample:
    """The conditions of the official example's own test, on its own clip."""

    @MEMORIES
    def test_carving_ice(self, a0, carving_ice, memory):
        scores = scores_of(a0, carving_ice, a0.new_state(memory=memory))[-1]
        (label, score), *_ = a0.top(scores)
        assert label == "carving ice"
        assert score >= 0.5

    @MEMORIES
    def test_lists_threshold_and_count(self, a0, carving_ice, memory):
        scores = scores_of(a0, carving_ice, a0.new_state(memory=memory))[-1]
        allowed = a0.top(scores, None, allow=["carving ice", "playing drums"])
        assert [label for label, _ in allowed] == ["carving ice", "playing drums"]
        denied = a0.top(scores, None, deny=["carving ice"])
        assert len(denied) == 599
        assert "carving ice" not in dict(denied)
        assert all(score >= 0.01 for _, score in a0.top(scores, None, threshold=0.01))
        assert len(a0.top(scores, None, threshold=0.01)) < 600
        assert len(a0.top(scores, 3)) == 3


class TestAlwaysOn:
    """Ten minutes of one scene, then another action: what happens to a daemon that is never restarted."""

    BEGIN = 10 * 60 * FPS
    END = BEGIN + 10 * FPS

    def timeline(self, model, carving_ice, jumping_jacks, state):
        """Carving ice for 10 minutes, jumping jacks for 10 s, carving ice for 10 s: both scores and the best one."""
        pictures = [*looped(carving_ice, self.BEGIN), *jumping_jacks * 2, *looped(carving_ice, 10 * FPS)]
        assert len(pictures) == self.END + 10 * FPS
        columns = [model.labels.index(label) for label in ("carving ice", "jumping jacks")]
        return np.stack([np.append(s[columns], s.max()) for s in (model.step(p, state) for p in pictures)]).T

    def head_sum(self, model, state):
        return state.tensors.sums[-model.interface.pools[-1].channels :].max()

    def test_window(self, a0, carving_ice, jumping_jacks):
        state = a0.new_state()
        carving, jumping, best = self.timeline(a0, carving_ice, jumping_jacks, state)
        # Nothing fades: the scene is as clear after ten minutes as in the first one.
        assert carving[[199, 999, self.BEGIN - 1]].min() >= 0.9
        assert carving[30 * FPS : self.BEGIN].min() >= 0.5
        assert jumping[: self.BEGIN].max() < 0.1
        assert self.head_sum(a0, state) < SATURATED / 2
        top_1 = jumping[self.BEGIN : self.END] == best[self.BEGIN : self.END]
        assert top_1[: 3 * FPS].any()
        assert top_1.mean() > 0.5
        assert jumping[self.BEGIN : self.END].max() >= 0.9
        assert (jumping[self.END + 6 * FPS - 1 :] < 0.5).all()

    def test_without_a_window_the_new_action_is_never_named(self, plain_a0, carving_ice, jumping_jacks):
        """The defect that the window cures, as the official example has it: the sum is full after half a minute."""
        state = plain_a0.new_state(memory="cumulative")
        _, jumping, best = self.timeline(plain_a0, carving_ice, jumping_jacks, state)
        new = slice(self.BEGIN, self.END)
        assert (jumping[new] < best[new]).all()
        assert jumping[new].max() < 0.1
        assert self.head_sum(plain_a0, state) == pytest.approx(SATURATED, abs=1)
