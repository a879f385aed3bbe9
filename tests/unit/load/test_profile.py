"""Load profiles: the shipped ones, what the command line changes, and every kind of bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import InvalidFile, UsageError
from lab.load.prepare.capacity import Ceiling, operators_for, operators_needed, workers_for
from lab.load.prepare.prepare import check_operators
from lab.load.profile.profile import LoadProfile, load_profile, network, profile_names, with_options
from lab.load.profile.shapes import AtCeiling, Constant, Ramp, Soak, Spike, Step
from lab.paths import LOADTESTS
from lab.traffic.schedule import Schedule

GOOD = """
name: A profile
description: For a test.
networks: {capacity: {}}
traffic: [{kind: buffer, payload: 64B}]
shape: {kind: constant, tps: 10, duration: 5s}
"""


def read(tmp_path: Path, text: str) -> LoadProfile:
    path = tmp_path / "profile.yaml"
    path.write_text(text, encoding="utf-8")
    return load_profile(str(path))


def options(profile: LoadProfile, **given: object) -> LoadProfile:
    asked: dict[str, object] = {"tps": None, "duration_ms": None, "networks": None, "workers": None, "operators": None}
    return with_options(profile, **{**asked, **given})  # type: ignore[arg-type]  # the test gives each its own type


@pytest.mark.parametrize("name", profile_names())
def test_shipped_profiles_are_sound(name: str) -> None:
    """Each reads, its networks exist, and its rate has operators."""
    profile = load_profile(name)
    networks = profile.resolved_networks()
    assert len({found.chain_id for found in networks.values()}) == len(networks)
    check_operators(profile, networks, 2)
    if not isinstance(profile.shape, AtCeiling):
        assert Schedule(profile.shape.segments()).arrivals > 0


def test_there_is_a_file_for_every_scenario() -> None:
    """Buffer only, flows, mixed, payloads, and each shape."""
    kinds = {load_profile(name).shape.kind for name in profile_names()}
    assert kinds == {"constant", "ramp", "step", "spike", "soak", "ceiling"}
    assert {"buffer", "flow", "mixed", "payloads"} <= {path.stem for path in LOADTESTS.glob("*.py")}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("tps: 10", "tps: 0"), "more than 0"),
        (("tps: 10", "tps: -3"), "more than 0"),
        (("tps: 10", "tps: many"), "number"),
        (("duration: 5s", "duration: 0s"), "1000"),
        (("payload: 64B", "payload: 513B"), "0 to 512"),
        (("kind: buffer", "kind: bufer"), "bufer"),
        (("kind: buffer", "kind: flow"), "needs two networks"),
        (("kind: constant", "kind: square"), "square"),
        (("name: A profile", "nmae: A profile"), "nmae"),
    ],
)
def test_bad_files_say_where(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Position and problem, before anything starts."""
    with pytest.raises(InvalidFile, match=told) as caught:
        read(tmp_path, GOOD.replace(*change))
    assert "profile.yaml:" in str(caught.value)


def test_an_unknown_profile_or_network(tmp_path: Path) -> None:
    """The nearest known one is proposed."""
    with pytest.raises(UsageError, match="did you mean buffer"):
        load_profile("bufer")
    with pytest.raises(UsageError, match="did you mean base"):
        read(tmp_path, GOOD.replace("capacity", "bse")).resolved_networks()
    with pytest.raises(UsageError, match="did you mean base"):
        options(read(tmp_path, GOOD), networks="bse")
    with pytest.raises(UsageError, match="names with commas"):
        options(read(tmp_path, GOOD), networks=" , ")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("tps: 10", "tps: 0.000000001"), "at least one arrival"),
        (("networks: {capacity: {}}", "networks: {a: {profile: base, weight: 1000}, b: {profile: base, weight: 0.01}}"),
         "at least one arrival for each kind of traffic on each network"),
        (("tps: 10, duration: 5s", "tps: 1000000, duration: 100h"), "at most 100,000,000 arrivals"),
        (("duration: 5s", "duration: 200h"), "604800000"),
        (("kind: constant, tps: 10, duration: 5s",
          "kind: step, from_tps: 0.001, step_tps: 0.001, steps: 200, step_duration: 100h"), "at most 7 days"),
    ],
)  # fmt: skip
def test_schedules_that_mean_nothing(tmp_path: Path, change: tuple[str, str], told: str) -> None:
    """Too few arrivals for one of the streams, too many to sign, too long to wait for."""
    with pytest.raises(InvalidFile, match=told):
        read(tmp_path, GOOD.replace(*change))


@pytest.mark.parametrize("name", profile_names())
def test_profiles_are_read_back(name: str) -> None:
    """What a run records of its profile is the profile."""
    profile = load_profile(name)
    assert LoadProfile.recorded(profile.model_dump(mode="json")) == profile


def test_systems_and_restarts_are_of_the_profile_s_own_networks() -> None:
    """A restart names a chain that is there; flows make one system of their networks."""
    endurance = load_profile("endurance")
    assert (endurance.systems, len(endurance.networks)) == ("per-network", 20)
    with pytest.raises(ValueError, match="restart: expected names under `networks`, got nowhere"):
        endurance.changed(shape={**endurance.shape.model_dump(), "restart": ["nowhere"]})
    with pytest.raises(ValueError, match="flows lead from network to network"):
        load_profile("pairs").changed(systems="per-network")


@pytest.mark.parametrize("tps", [0.0, -1.0, float("nan"), float("inf")])
def test_rates_on_the_command_line(tmp_path: Path, tps: float) -> None:
    """Above zero and finite."""
    with pytest.raises(UsageError, match="--tps: expected a rate above 0"):
        options(read(tmp_path, GOOD), tps=tps)


def test_the_command_line_wins(tmp_path: Path) -> None:
    """Rate, length, networks, workers."""
    changed = options(read(tmp_path, GOOD), tps=50, duration_ms=9000, networks="base,two=base", workers=3, operators=9)
    assert isinstance(changed.shape, Constant)
    assert (changed.shape.tps, changed.shape.duration_ms, changed.workers, changed.operators) == (50, 9000, 3, 9)
    found = changed.resolved_networks()
    assert {name: profile.chain_id for name, profile in found.items()} == {"base": 8453, "two": 8454}
    with pytest.raises(UsageError, match="workers: expected auto or a number"):
        options(changed, workers=0)


def test_shapes_keep_their_form_when_scaled() -> None:
    """The peak becomes the rate asked for, the whole as long as asked for."""
    scaled = [
        Ramp(kind="ramp", from_tps=10, to_tps=100, duration="8s", hold="2s").scaled(200, 20_000),  # type: ignore[arg-type]
        Step(kind="step", from_tps=10, step_tps=10, steps=4, step_duration="5s").scaled(200, 20_000),  # type: ignore[arg-type]
        Spike(kind="spike", base_tps=10, peak_tps=100, duration="20s", spike="4s").scaled(200, 20_000),  # type: ignore[arg-type]
        Constant(kind="constant", tps=3, duration="9s").scaled(200, 20_000),  # type: ignore[arg-type]
    ]
    for shape in scaled:
        assert isinstance(shape, Ramp | Step | Spike | Constant)
        schedule = Schedule(shape.segments())
        assert (schedule.peak_tps, schedule.seconds) == pytest.approx((200, 20))
    soak = Soak(kind="soak", tps=3, duration="10s", restart_at="5s").scaled(None, 20_000)  # type: ignore[arg-type]
    assert soak.restart_at_ms == 10_000


def test_too_few_operators_are_counted_beforehand(tmp_path: Path) -> None:
    """The error says how many the rate needs."""
    few = options(read(tmp_path, GOOD), tps=5000, operators=3)
    with pytest.raises(UsageError, match="expected at least 157 for 5,000 calls a second on capacity"):
        check_operators(few, few.resolved_networks(), 1)
    enough = options(read(tmp_path, GOOD), tps=5000, operators=157)
    check_operators(enough, enough.resolved_networks(), 1)


def test_operators_and_workers() -> None:
    """A slow chain needs more senders; a sender belongs to one worker."""
    assert operators_needed(100, 12_000) == 38
    assert operators_for("auto", 100, 12_000, chain="ethereum", workers=4) == 40
    with pytest.raises(UsageError, match="one for each of the 8 workers"):
        operators_for(4, 1, 1000, chain="base", workers=8)
    assert (workers_for("auto", 1000), workers_for("auto", 6000), workers_for(5, 1)) == (1, 3, 5)


def test_the_documented_ceilings() -> None:
    """At 190,000 gas a call: 26, 421, 673, 105 and 1,050 whole calls a second."""
    found = {}
    for name in ("ethereum", "polygon", "arbitrum", "optimism", "base"):
        profile = network(name)
        found[name] = int(Ceiling(name, name, profile.gas_limit, 190_000, profile.block_time_ms, False).tps)
    assert found == {"ethereum": 26, "polygon": 420, "arbitrum": 672, "optimism": 105, "base": 1050}


def test_synthetic_is_what_is_no_real_network(tmp_path: Path) -> None:
    """The capacity profile, and any network with another gas limit."""
    text = GOOD.replace("{capacity: {}}", "{capacity: {}, base: {}, wide: {profile: base, gas_limit: 900000000}}")
    profile = read(tmp_path, text)
    assert {name: profile.synthetic(name) for name in profile.networks} == {
        "capacity": True,
        "base": False,
        "wide": True,
    }
    assert profile.resolved_networks()["wide"].gas_limit == 900_000_000


def test_shares_are_worked_out_once_for_all_networks(monkeypatch: pytest.MonkeyPatch) -> None:
    """3,000 networks took 10 s, and a file of a legal size hours."""
    made = load_profile("mixed").model_dump(mode="json")
    use = next(iter(made["networks"].values()))
    worked_out: list[LoadProfile] = []
    shares = LoadProfile._shares

    def counted(profile: LoadProfile) -> dict[str, float]:
        worked_out.append(profile)
        return shares(profile)

    monkeypatch.setattr(LoadProfile, "_shares", counted)
    made["networks"] = {f"n{number}": use for number in range(50)}
    profile = LoadProfile.recorded(made)
    assert len(worked_out) == 1
    assert profile.chain_share("n7") == pytest.approx(1 / 50)
