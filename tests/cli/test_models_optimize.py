"""`models optimize`, and that every verb which loads a model really runs the rewritten form."""

import json

import pytest
from commands import in_pipes
from running_daemon import CONFIG, RunningDaemon

from movinet_edge.api import DaemonStatus
from movinet_edge.engine import fast
from movinet_edge.engine import rewrite as rewriting


@pytest.fixture
def kept(tmp_path):
    """Where rewritten files are kept."""
    return tmp_path / "cache" / "rewritten"


def test_what_each_pass_did(cli, toy, kept):
    ran = cli("models", "optimize", toy, "--frames", 20)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.startswith("toy: float32, rewritten and proved in ")
    rows = {line.split("  ")[0].strip(): line.split() for line in ran.out.splitlines() if line.startswith(" ")}
    before, after = (int(rows[form][-4]) for form in ("as it is", "rewritten"))
    assert after < before
    assert "bit-exact" in rows["counters"]
    assert rows["one-frame states"][2] == "1"
    assert rows["int8 states"][2] == "–"
    assert "rank 4 left 1 × operator MEAN works on time" in ran.out
    assert "same best label in 30 frames" in ran.out
    assert {path.suffix for path in kept.iterdir()} == {".tflite", ".notes"}


def test_explained(cli, toy):
    ran = cli("models", "optimize", toy, "--explain", "--frames", 20)
    assert "counters: 2 places\n  Replaces the frame counter of every pool" in ran.out
    assert "int8 states: its pattern is absent here\n" in ran.out
    assert ran.out.count("  Pattern: ") == ran.out.count("  Precondition: ") == ran.out.count("  Bit-exact: ") > 5


def test_for_programs(cli, toy):
    ran = cli("models", "optimize", toy, "--json", "--frames", 20)
    found = json.loads(ran.out)
    assert (found["model"], found["path"], found["family"]) == ("toy", str(toy), "float32")
    assert {"name", "does", "effect", "changed", "left", "operators"} == set(found["reports"][0])
    assert found["proof"]["structure"]["largest_logit"] < 1e-4
    assert {"operators", "partitions", "frame_ms", "size_bytes"} == set(found["before"]) == set(found["after"])
    assert found["faster"] > 0


def test_explained_for_programs(cli, toy):
    found = json.loads(cli("models", "optimize", toy, "--json", "--explain", "--frames", 20).out)
    assert list(found["explanations"]) == [report["name"] for report in found["reports"]]
    assert all("Precondition: " in text for text in found["explanations"].values())


def test_what_it_made_serves_the_next_start(cli, toy, red_clip, toy_actions, monkeypatch):
    cli("models", "optimize", toy, "--frames", 20)
    monkeypatch.setattr(fast, "prove", lambda *_: pytest.fail("it was proved already"))
    ran = cli("classify", red_clip, "--model", toy, "--actions", toy_actions)
    assert ran.code == 0


def test_what_cannot_be_rewritten_says_why(cli, toy, monkeypatch):
    def refuse(*_arguments):
        raise rewriting.RewriteRefused("no pass found its pattern in this file")

    monkeypatch.setattr(rewriting, "self_test", refuse)
    ran = cli("models", "optimize", toy)
    assert ran.code != 0
    assert f"{toy} is not rewritten, it runs as it is: no pass found its pattern in this file" in ran.err


def test_a_model_that_is_not_here(cli):
    ran = cli("models", "optimize", "movinet-a0-int9")
    assert ran.code != 0
    assert "did you mean movinet-a0-int8" in ran.err


def test_plain_runs_the_file_as_it_is_with_the_same_events(cli, toy, red_clip, toy_actions, kept):
    command = ("classify", red_clip, "--model", toy, "--actions", toy_actions, "--format", "jsonl")
    plain = cli(*command, "--plain")
    assert not kept.exists()
    fast = cli(*command)
    assert kept.exists()
    for ran in (plain, fast):
        assert [line["event_type"] for line in ran.lines[:-1]] == ["start", "start", "stop", "stop"]


@pytest.fixture
def daemon(tmp_path, toy, clip_of):
    """Starts a daemon."""
    running = []

    def start(text=CONFIG):
        running.append(RunningDaemon(tmp_path, text, toy=toy, clip=clip_of("long.mkv", ("red", 30))))
        running[-1].start_and_wait()
        return running[-1]

    yield start
    for one in running:
        assert one.stop() == 0, one.told()


def model_of(daemon):
    (model,) = DaemonStatus.model_validate(daemon.status()).models
    return model


def test_the_daemon_runs_the_rewritten_file_and_says_so(daemon, kept):
    running = daemon()
    model = model_of(running)
    assert (model.name, model.rewritten, model.refused, model.reason) == ("toy", True, False, "")
    assert f"model toy: {model.runtime}\n" in running.ask("status").out
    assert "rewritten file" in model.runtime
    assert running.told().count(", rewritten file") == 3, "once for each stream"
    assert len(list(kept.iterdir())) == 2


def test_with_a_corrupt_cache_the_daemon_makes_it_anew(daemon, cli, toy, kept):
    cli("models", "optimize", toy, "--frames", 20)
    (file,) = kept.glob("*.tflite")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    running = daemon()
    assert model_of(running).rewritten
    assert running.told().count("a kept rewritten model is damaged, so it is made anew") == 1
    assert file.read_bytes() == content


def test_switched_off_in_the_configuration(daemon, kept):
    running = daemon(f"    fast: false\n{CONFIG}")
    assert (model_of(running).rewritten, model_of(running).reason) == (False, "switched off")
    assert "; it runs as it is: switched off" in running.ask("status").out
    assert not kept.exists()


def test_doctor_and_check_name_the_form_that_runs(tmp_path, folder, toy, red_clip):
    config = folder / "config.yaml"
    source = f"source: {{type: file, path: {red_clip}}}, actions: {{red: {{labels: [turning red]}}}}"
    config.write_text(f"model: {toy}\nstate_dir: state\nstreams:\n  - {{name: hall, {source}}}\n")
    assert "rewritten file" in in_pipes("check", "--config", config).out
    config.write_text(f"fast: false\n{config.read_text()}")
    assert "rewritten file" not in in_pipes("check", "--config", config).out
