import subprocess
import sys
import textwrap
import types

import pytest

from code_ablate.errors import UserError
from code_ablate.training.tracking import TrackingConfig, events_folder, open_trackers

DESCRIPTION = {"seed": 0, "mixture": {"demo.text": {"share": 1.0}}, "parent": None}
EVENTS = TrackingConfig()
WANDB = TrackingConfig(tensorboard=False, wandb_project="ablations", wandb_entity="lab")


def line_of(step, loss=None):
    return {"step": step, "tokens": 64 * step, "loss": loss or 1 / step, "loss/demo.text": 0.5}


def track(run, steps, first_step=0, config=EVENTS, **kwargs):
    with open_trackers(config, run, "abc123", DESCRIPTION, first_step, **kwargs) as tracker:
        for step in steps:
            tracker.log(line_of(step))


def curves(run):
    """{tag: [(step, value), ...]} as TensorFlow reads the event files.

    What a START of step s supersedes, earlier events of step s and later, is dropped as TensorBoard
    drops it (EventAccumulator with purge_orphaned_data).
    """
    from tensorflow.compat.v1.train import summary_iterator

    seen: dict[str, list] = {}
    for file in sorted((run / "tensorboard").iterdir()):
        for event in summary_iterator(str(file)):
            if event.session_log.status == event.session_log.START:
                for points in seen.values():
                    points[:] = [point for point in points if point[0] < event.step]
            for value in event.summary.value:
                seen.setdefault(value.tag, []).append((event.step, value.simple_value))
    return seen


def test_tensorflow_reads_the_events_back(tmp_path):
    track(tmp_path, [20, 40])
    assert curves(tmp_path) == {
        "tokens": [(20, 1280), (40, 2560)],
        "loss": [(20, pytest.approx(1 / 20)), (40, pytest.approx(1 / 40))],
        "loss/demo.text": [(20, 0.5), (40, 0.5)],
    }


def test_after_a_restart_the_curve_has_no_zigzag(tmp_path):
    track(tmp_path, [20, 40, 60, 80])  # killed, with its last checkpoint at step 40
    with open_trackers(EVENTS, tmp_path, "abc123", DESCRIPTION, 40) as tracker:
        tracker.log(line_of(60, loss=9.0))
    assert len(list((tmp_path / "tensorboard").iterdir())) == 2  # made in the same second or not
    assert curves(tmp_path)["loss"] == [
        (20, pytest.approx(1 / 20)),
        (40, pytest.approx(1 / 40)),
        (60, 9.0),
    ]
    track(tmp_path, [20])  # killed before its first checkpoint: from the beginning
    assert curves(tmp_path)["tokens"] == [(20, 1280)]


def test_events_are_complete_when_training_fails(tmp_path):
    with (
        pytest.raises(OSError),
        open_trackers(EVENTS, tmp_path, "abc123", DESCRIPTION, 0) as tracker,
    ):
        tracker.log(line_of(20))
        raise OSError("disk full")
    assert curves(tmp_path)["tokens"] == [(20, 1280)]


def test_events_are_written_without_tensorflow_torch_and_jax(tmp_path):
    code = textwrap.dedent("""
        import sys
        from code_ablate.training.tracking import TrackingConfig, open_trackers
        with open_trackers(TrackingConfig(), sys.argv[1], "abc123", {}, 0) as tracker:
            tracker.log({"step": 1, "loss": 2.0})
        sys.exit(bool({"tensorflow", "torch", "jax"} & set(sys.modules)))
    """)
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
    assert curves(tmp_path) == {"loss": [(1, 2.0)]}


def test_only_one_process_writes_and_nothing_is_written_unasked(tmp_path):
    track(tmp_path, [20], write=False)
    track(tmp_path, [20], config=TrackingConfig(tensorboard=False))
    assert not list(tmp_path.iterdir())


class FakeWandb(types.ModuleType):
    """Records what it is asked to do. `kept`: the step after the last one a server holds."""

    def __init__(self, kept=0):
        super().__init__("wandb")
        self.inits, self.logged, self.exits, self.step = [], [], [], kept

    def init(self, **kwargs):
        self.inits.append(kwargs)
        return self

    def log(self, data, step, commit):
        assert step >= self.step and commit, "wandb would ignore this"
        self.step = step + 1
        self.logged.append((step, data))

    def finish(self, exit_code):
        self.exits.append(exit_code)


def test_wandb_is_told_the_identity_and_the_lines(tmp_path, monkeypatch):
    wandb = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    run = tmp_path / "pretraining-abc123"
    track(run, [20, 40], config=WANDB)
    (init,) = wandb.inits
    assert init == {
        "project": "ablations",
        "entity": "lab",
        "id": "abc123",
        "name": "pretraining-abc123",
        "config": DESCRIPTION,
        "resume": "allow",
        "dir": str(run),
    }
    assert wandb.logged[1] == (40, {"tokens": 2560, "loss": 1 / 40, "loss/demo.text": 0.5})
    assert [step for step, _ in wandb.logged] == [20, 40]
    assert wandb.exits == [0]


def test_a_restart_goes_on_with_the_same_wandb_run(tmp_path, monkeypatch):
    wandb = FakeWandb(kept=61)
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    track(tmp_path, [60, 80], first_step=40, config=WANDB)  # 60 was logged before the kill
    assert [step for step, _ in wandb.logged] == [80]


def test_wandb_hears_of_a_failure(tmp_path, monkeypatch):
    wandb = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", wandb)
    with pytest.raises(OSError), open_trackers(WANDB, tmp_path, "abc123", DESCRIPTION, 0):
        raise OSError("disk full")
    assert wandb.exits == [1]


@pytest.mark.parametrize("write", [True, False])
def test_wandb_asked_for_and_not_installed_is_refused_on_every_process(
    tmp_path, monkeypatch, write
):
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(UserError, match=r"wandb_project needs wandb.*pip install wandb"):
        track(tmp_path, [], config=WANDB, write=write)
    assert not list(tmp_path.iterdir())


def test_events_of_runs_on_object_stores_stay_on_this_host(tmp_path):
    assert str(events_folder("gs://bucket/runs/a")) == "tensorboard/a"
    assert events_folder(tmp_path) == tmp_path / "tensorboard"


def test_an_entity_without_a_project_is_refused():
    with pytest.raises(UserError, match="name the project"):
        TrackingConfig(wandb_entity="lab")


def test_a_line_is_on_disk_when_it_is_logged(tmp_path):
    with open_trackers(TrackingConfig(), tmp_path, "0f3c", {}, 0) as tracker:
        tracker.log({"step": 1, "loss": 2.0})
        (events,) = (tmp_path / "tensorboard").iterdir()
        assert b"loss" in events.read_bytes()
