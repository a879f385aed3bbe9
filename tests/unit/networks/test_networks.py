"""Names, retired networks, users' files, and that every figure has its source."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab.errors import InvalidFile, UsageError
from lab.networks import ALIASES, BUILT_IN, PROFILES, RETIRED, load_network
from lab.networks.docs import render
from lab.networks.profile import LAB_CHOICE, figures

CITED = 'sources: {block_time_ms: {source: "our genesis file", date: "2026-11"}}\n'


def written(folder: Path, text: str, name: str = "mine.yaml") -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def problems(folder: Path, text: str) -> list[str]:
    with pytest.raises(InvalidFile) as caught:
        load_network(written(folder, text))
    return [str(problem).removeprefix(f"{folder}/") for problem in caught.value.problems]


def test_the_registry_and_the_files_agree() -> None:
    """Every file is a built-in network of the same name, and the other way round."""
    assert sorted(path.stem for path in PROFILES.glob("*")) == sorted(BUILT_IN)
    assert [load_network(name).name for name in BUILT_IN] == list(BUILT_IN)


@pytest.mark.parametrize("name", BUILT_IN)
def test_every_figure_is_cited_and_every_own_choice_explained(name: str) -> None:
    """No numeric figure without source and date; a choice of the lab says why."""
    profile = load_network(name)
    paths = dict(figures(profile))
    assert set(profile.sources) == set(paths)
    for path in _numbers("", profile.model_dump(mode="json", exclude={"sources"})):
        assert any(path == cited or path.startswith((f"{cited}.", f"{cited}[")) for cited in paths), path
    for entry in profile.sources.values():
        assert entry.note or entry.source != LAB_CHOICE


def _numbers(path: str, value: object) -> list[str]:
    if isinstance(value, dict):
        return [found for key, part in value.items() for found in _numbers(f"{path}.{key}".lstrip("."), part)]
    if isinstance(value, list):
        return [found for index, part in enumerate(value) for found in _numbers(f"{path}[{index}]", part)]
    return [path] if isinstance(value, (int, float)) and path != "testnet" else []


@pytest.mark.parametrize("name", BUILT_IN)
def test_no_overridden_figure_keeps_a_citation_of_another_value(name: str) -> None:
    """A testnet cites each figure that differs from its parent profile's under its own name."""
    text = (PROFILES / f"{name}.yaml").read_text(encoding="utf-8")
    if "extends:" not in text:
        return
    profile, parent = load_network(name), load_network(text.split("extends: ")[1].split()[0])
    before = dict(figures(parent))
    differing = [path for path, value in figures(profile) if before.get(path) != value]
    assert "chain_id" in differing
    for path in differing:
        assert f"\n  {path}:\n    source:" in text, path


@pytest.mark.parametrize(
    ("name", "chain_id", "block_time_ms"),
    [
        ("ethereum", 1, 12_000), ("polygon", 137, 1_750), ("arbitrum", 42_161, 250), ("optimism", 10, 2_000),
        ("base", 8_453, 200), ("sepolia", 11_155_111, 12_000), ("amoy", 80_002, 2_000),
        ("arbitrum-sepolia", 421_614, 250), ("optimism-sepolia", 11_155_420, 2_000), ("base-sepolia", 84_532, 200),
    ],
)  # fmt: skip
def test_identity_and_cadence(name: str, chain_id: int, block_time_ms: int) -> None:
    """The figures everybody knows, written down a second time."""
    profile = load_network(name)
    assert (profile.chain_id, profile.block_time_ms) == (chain_id, block_time_ms)
    assert profile.testnet == (chain_id not in (1, 137, 42_161, 10, 8_453))
    assert profile.mines_empty_blocks == (not name.startswith("arbitrum"))


def test_parents_and_aliases_lead_to_built_in_networks() -> None:
    """No name points into the void, and a testnet settles on a testnet."""
    for name in BUILT_IN:
        profile = load_network(name)
        assert profile.parent is None or load_network(profile.parent).testnet == profile.testnet
    for alias, name in ALIASES.items():
        assert alias not in BUILT_IN
        assert load_network(alias).name == name
    assert set(RETIRED.values()) <= set(BUILT_IN)


@pytest.mark.parametrize("name", ["OP-Mainnet", "op_mainnet", " Optimism "])
def test_spelling_is_forgiven(name: str) -> None:
    """Case, underscores and surrounding blanks do not matter."""
    assert load_network(name).name == "optimism"


@pytest.mark.parametrize(("name", "successor"), [("mumbai", "amoy"), ("Polygon-Mumbai", "amoy"), ("goerli", "sepolia")])
def test_a_retired_network_names_its_successor(name: str, successor: str) -> None:
    """Mumbai is gone: use Amoy."""
    with pytest.raises(UsageError, match=f"'{name}' is retired: use {successor}"):
        load_network(name)


def test_an_unknown_name_proposes_the_nearest() -> None:
    """A typing error gets the word that was meant."""
    with pytest.raises(UsageError, match=r"got 'arbitrun' \(did you mean arbitrum\?\)"):
        load_network("arbitrun")


def test_a_users_file_extends_a_built_in_network(tmp_path: Path) -> None:
    """What the file says wins, everything else and its citations are inherited."""
    entry = '{source: our genesis file, date: "2026-11"}'
    sources = f"sources: {{block_time_ms: {entry}, fee.target_percent: {entry}}}"
    text = f"extends: polygon\nblock_time_ms: 1500\nfee: {{target_percent: 50}}\n{sources}\n"
    profile = load_network(written(tmp_path, text))
    polygon = load_network("polygon")
    assert (profile.name, profile.block_time_ms, profile.chain_id) == ("mine", 1500, 137)
    assert profile.title == "Polygon PoS, changed by mine.yaml"
    assert profile.fee == polygon.fee.model_copy(update={"target_percent": 50})
    assert profile.sources["block_time_ms"].source == "our genesis file"
    assert profile.sources["gas_limit"] == polygon.sources["gas_limit"]


def test_a_path_is_relative_to_the_base(tmp_path: Path) -> None:
    """A scenario's own folder is where its profiles are looked for, and a profile's for what it extends."""
    written(tmp_path, f"extends: base\nblock_time_ms: 400\n{CITED}", "first.yaml")
    written(tmp_path, "extends: ./first.yaml\nname: last\n", "second.yaml")
    profile = load_network("./second.yaml", base=tmp_path)
    assert (profile.name, profile.block_time_ms) == ("last", 400)


def test_an_overridden_figure_needs_its_own_source(tmp_path: Path) -> None:
    """The inherited citation speaks of another value, so it does not count."""
    assert problems(tmp_path, "extends: ethereum\nblock_time_ms: 6000\n") == [
        "mine.yaml:1:1 sources: expected source and date of every figure that this file states or overrides, "
        "none for block_time_ms"
    ]


def test_another_kind_of_fee_drops_the_inherited_one(tmp_path: Path) -> None:
    """Nothing of Ethereum's curve, figures or citations, is left under Arbitrum's."""
    fee = "fee: {kind: arbitrum, floor_wei: 1, targets: [{gas_per_second: 1000000, window_s: 9}]}"
    entry = '{source: our design, date: "2026"}'
    text = f"extends: ethereum\n{fee}\nsources:\n  fee.floor_wei: {entry}\n  fee.targets: {entry}\n"
    profile = load_network(written(tmp_path, text))
    assert sorted(path for path in profile.sources if path.startswith("fee.")) == ["fee.floor_wei", "fee.targets"]


def test_all_problems_of_a_file_come_at_once_with_their_places(tmp_path: Path) -> None:
    """Unknown key, wrong type and bad value in one go."""
    found = problems(tmp_path, "extends: base\nblok_time_ms: 3\nchain_id: many\nfinality: {blocks: 1, seconds: 2}\n")
    assert [line.split(": ", 1)[0] for line in found] == [
        "mine.yaml:2:1 blok_time_ms", "mine.yaml:3:11 chain_id", "mine.yaml:4:11 finality",
    ]  # fmt: skip
    assert "did you mean block_time_ms?" in found[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("extends: ethereun\n", "mine.yaml:1:10 extends: expected a network, got 'ethereun' (did you mean ethereum?)"),
        ("extends: mumbai\n", "mine.yaml:1:10 extends: the network 'mumbai' is retired: use amoy"),
        ("extends: ./mine.yaml\n", "mine.yaml:1:10 extends: expected another profile"),
        ("extends: [base]\n", "mine.yaml:1:10 extends: expected the name or the path of a profile"),
        ("extends: base\njitter_ms: 200\n", "mine.yaml:2:12 jitter_ms: expected less than block_time_ms (200)"),
        ("extends: base\ninitial_base_fee_wei: 4\n", "mine.yaml:2:23 initial_base_fee_wei: expected at least fee."),
        ("extends: base\nsources: {x: {source: abc, date: undated}}\n", "mine.yaml:2:14 sources.x: no such figure"),
        ("extends: base\nsources: 3\n", "mine.yaml:2:10 sources: expected a mapping"),
        ("extends: base\nsources: {gas_limit: {source: lab choice, date: '2026'}}\n", "mine.yaml:2:22 sources.gas_"),
        ("extends: base\nfee: 3\n", "mine.yaml:2:6 fee"),
        ("extends: base\nanvil: {hardfork: osaka}\n", "mine.yaml:2:8 anvil: expected hardfork or network, got both"),
        ("- base\n", "mine.yaml:1:1"),
    ],
)
def test_a_wrong_file_says_what_and_where(text: str, expected: str, tmp_path: Path) -> None:
    """Each mistake is reported at its own line and column."""
    assert problems(tmp_path, text)[0].startswith(expected)


def test_the_reference_page_is_current() -> None:
    """docs/networks.md is what the generator writes."""
    page = Path(__file__).parents[3] / "docs" / "networks.md"
    assert page.read_text(encoding="utf-8") == render(), "run: python -m lab.networks.docs > docs/networks.md"
