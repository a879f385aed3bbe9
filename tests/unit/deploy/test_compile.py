"""compile_contract: sources through the right compiler, cached by content; every wrong input explained."""

from __future__ import annotations

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from lab.deploy.compile import CompiledContract, compile_contract
from lab.deploy.vyper.compilers import CompilerOutput, run_compiler
from lab.deploy.vyper.isolated_tool import interpreter_for
from lab.deploy.vyper.source import VyperSource
from lab.environment import cache_folder
from lab.errors import CompileFailure, EnvironmentFailure, InvalidFile, UsageError
from tests.compiling import compile_once

REFERENCE = Path(__file__).resolve().parents[3] / "contracts" / "TesseractCoordinator.vy"
SMALL = "x: public(uint256)\n"
OLDER = pytest.mark.older_vyper
SAID: dict[tuple[tuple[str, str], ...], CompilerOutput] = {}


@pytest.fixture
def cache(tmp_path: Path, asked_here: None) -> Path:
    """A cache folder that does not exist yet."""
    return tmp_path / "cache" / "contracts"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the sources that really went through a compiler."""
    seen: list[str] = []

    def counted(source: VyperSource) -> CompilerOutput:
        seen.append(source.path.name)
        # What the compiler says of one source is always the same, and here it is asked about the same one often.
        if source.sources not in SAID:
            SAID[source.sources] = run_compiler(source)
        return SAID[source.sources]

    monkeypatch.setattr("lab.deploy.compile.run_compiler", counted)
    return seen


def write(path: Path, text: str) -> Path:
    """Write a file; returns its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def contract() -> CompiledContract:
    """The reference, from the user's own cache."""
    return compile_once(REFERENCE)


def test_the_reference_contract_fits_on_every_chain(contract: CompiledContract) -> None:
    """Compiled with its modules, within the code-size limit of 24,576 bytes."""
    assert (contract.name, contract.compiler) == ("TesseractCoordinator", "vyper 0.4.3")
    assert [name for name, _ in contract.sources] == [
        "TesseractCoordinator.vy",
        "controls.vy",
        "interfaces/ITesseractCoordinator.vyi",
        "ownership.vy",
        "transaction_store.vy",
    ]
    assert contract.runtime_size_bytes is not None
    assert 0 < contract.runtime_size_bytes <= 24_576
    assert contract.runtime_size_bytes < len(bytes.fromhex(contract.bytecode[2:]))
    assert {"transactions", "buffer_batch"} <= {entry.get("name") for entry in contract.abi}


def test_the_bytecode_does_not_depend_on_the_folder(tmp_path: Path, contract: CompiledContract) -> None:
    """The same sources elsewhere, compiled anew, give the same code: the same address on every machine."""
    shutil.copytree(REFERENCE.parent, tmp_path / "elsewhere")
    there = compile_contract(tmp_path / "elsewhere" / REFERENCE.name, cache_dir=tmp_path / "new")
    assert (there.bytecode, there.source_sha256) == (contract.bytecode, contract.source_sha256)


def test_a_second_compilation_comes_from_the_cache(tmp_path: Path, cache: Path, compilations: list[str]) -> None:
    """The same record, also from another path with the same content."""
    path = write(tmp_path / "a/small.vy", SMALL)
    first = compile_contract(path, cache_dir=cache)
    assert compile_contract(path, cache_dir=cache) == first
    copy = write(tmp_path / "b/small.vy", SMALL)
    assert compile_contract(copy, cache_dir=cache).source_path == copy
    assert compilations == ["small.vy"]


def test_a_changed_source_or_module_is_compiled_again(tmp_path: Path, cache: Path, compilations: list[str]) -> None:
    """The modules count as much as the file itself."""
    main = write(tmp_path / "main.vy", "import part\n\n@external\ndef f() -> uint256:\n    return part.K\n")
    write(tmp_path / "part.vy", "K: constant(uint256) = 1\n")
    one = compile_contract(main, cache_dir=cache)
    write(tmp_path / "part.vy", "K: constant(uint256) = 2\n")
    two = compile_contract(main, cache_dir=cache)
    write(tmp_path / "part.vy", "K: constant(uint256) = 1\n")
    assert compile_contract(main, cache_dir=cache) == one
    assert len(compilations) == 2
    assert one.bytecode != two.bytecode
    assert one.source_sha256 != two.source_sha256


@pytest.mark.parametrize("damage", ["", "{", "[]", "null", '{"name": "x"}', "flipped"])
def test_a_damaged_cache_file_is_replaced(tmp_path: Path, cache: Path, compilations: list[str], damage: str) -> None:
    """Nothing in a cache file is believed that does not match its own hash."""
    path = write(tmp_path / "small.vy", SMALL)
    first = compile_contract(path, cache_dir=cache)
    (cached,) = cache.iterdir()
    if damage == "flipped":
        fields = json.loads(cached.read_text())
        cached.write_text(json.dumps(fields | {"bytecode": fields["bytecode"][:-2] + "00"}))
    else:
        cached.write_text(damage)
    assert compile_contract(path, cache_dir=cache) == first
    assert len(compilations) == 2
    assert compile_contract(path, cache_dir=cache) == first
    assert len(compilations) == 2


@pytest.mark.usefixtures("compilations")
def test_a_cache_file_is_never_written_in_place(tmp_path: Path, cache: Path) -> None:
    """Whoever has the old file open goes on reading the old one, whole."""
    path = write(tmp_path / "small.vy", SMALL)
    compile_contract(path, cache_dir=cache)
    (cached,) = cache.iterdir()
    cached.write_text("an old file")
    with cached.open() as reader:
        compile_contract(path, cache_dir=cache)
        assert reader.read() == "an old file"
    assert json.loads(cached.read_text())["name"] == "small"


def test_concurrent_writers_leave_one_whole_file(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many at once agree on the result, and no temporary file stays behind."""
    code = "0x" + "60" * 100_000
    monkeypatch.setattr("lab.deploy.compile.run_compiler", lambda source: CompilerOutput([], code, code))
    path = write(tmp_path / "small.vy", SMALL)
    with ThreadPoolExecutor(8) as pool:
        results: list[CompiledContract] = list(pool.map(lambda _: compile_contract(path, cache_dir=cache), range(40)))
    assert all(result == results[0] for result in results)
    assert [file.suffix for file in cache.iterdir()] == [".json"]


@pytest.mark.usefixtures("compilations")
def test_a_cache_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    blocked = write(tmp_path / "cache", "")
    path = write(tmp_path / "small.vy", SMALL)
    assert compile_contract(path, cache_dir=blocked).bytecode.startswith("0x")


@pytest.mark.parametrize(
    ("source", "where", "line"),
    [
        ("@external\ndef f() -> uint256:\n    return self.y\n", "bad.vy:3:12", "3 |     return self.y"),
        ("x: public(uint256\n\n\n", "bad.vy:", "1 | x: public(uint256\n    |                  ^"),
        ("x: uint999\n", "bad.vy:1:", "1 | x: uint999"),
        # The line is that of Python's own tokenizer: 2 in 3.11, 1 in 3.13.
        ("def f(:\n", "bad.vy:", "1 | def f(:"),
        ("import nowhere\n", "bad.vy:1:", "1 | import nowhere"),
    ],
)
def test_a_compile_error_quotes_the_line(tmp_path: Path, cache: Path, source: str, where: str, line: str) -> None:
    """File, line, the line itself and the compiler's version; nothing is cached."""
    with pytest.raises(CompileFailure) as caught:
        compile_contract(write(tmp_path / "bad.vy", source), cache_dir=cache)
    assert str(caught.value).startswith(f"{tmp_path}/{where}")
    assert "vyper 0.4.3" in str(caught.value)
    assert line in str(caught.value)
    assert not cache.exists()


def test_an_error_in_a_module_names_the_module(tmp_path: Path) -> None:
    """The file to mend is the imported one."""
    main = write(tmp_path / "main.vy", "import part\n\n@external\ndef f():\n    part.g()\n")
    write(tmp_path / "part.vy", "\n\n@internal\ndef g():\n    x: uint256 = nonsense\n")
    with pytest.raises(CompileFailure, match=r"part\.vy:5:18: vyper 0\.4\.3"):
        compile_contract(main, cache_dir=tmp_path / "cache")


def test_an_error_without_a_file_is_that_of_the_line_it_shows(tmp_path: Path, cache: Path) -> None:
    """The compiler does not say whose pragma it minds."""
    main = write(tmp_path / "main.vy", "# pragma version 0.4.3\nimport part\n")
    write(tmp_path / "part.vy", "\n# pragma version 0.4.1\n")
    with pytest.raises(CompileFailure, match=r"part\.vy:2:1: vyper 0\.4\.3: VersionException"):
        compile_contract(main, cache_dir=cache)


@pytest.mark.parametrize(
    "version", [pytest.param("0.2.16", marks=OLDER), pytest.param("0.3.10", marks=OLDER), "0.4.1rc1"]
)
def test_another_compiler_runs_in_isolation(tmp_path: Path, cache: Path, version: str) -> None:
    """A pragma that excludes the installed compiler gets its own, and the contract's modules are found."""
    path = write(tmp_path / "old.vy", f"# @version {version}\nx: public(uint256)\n")
    contract = compile_contract(path, cache_dir=cache)
    assert contract.compiler == f"vyper {version}"
    assert [entry["name"] for entry in contract.abi] == ["x"]
    assert contract.runtime_size_bytes
    assert bytes.fromhex(contract.bytecode[2:])


@OLDER
def test_an_isolated_compiler_finds_imports(tmp_path: Path, cache: Path) -> None:
    """An interface from the project's root (0.3), and a module from a folder between root and file (0.4)."""
    (tmp_path / "pyproject.toml").touch()
    write(tmp_path / "src/IThing.vy", "@external\ndef f() -> uint256:\n    return 1\n")
    three = (
        "# @version 0.3.10\nfrom src import IThing\nimplements: IThing\n@external\ndef f() -> uint256:\n    return 2\n"
    )
    write(tmp_path / "src/part.vy", "K: constant(uint256) = 1\n")
    four = "# pragma version 0.4.1\nimport part\n@external\ndef f() -> uint256:\n    return part.K\n"
    for name, text in (("three.vy", three), ("four.vy", four)):
        contract = compile_contract(write(tmp_path / "src/deep" / name, text), cache_dir=cache)
        assert [entry["name"] for entry in contract.abi] == ["f"]


@OLDER
def test_an_isolated_compile_error_quotes_the_line(tmp_path: Path, cache: Path) -> None:
    """The same form as with the installed compiler."""
    path = write(tmp_path / "bad.vy", "# @version ^0.3.7\n\n@external\ndef f() -> uint256:\n    return self.y\n")
    with pytest.raises(CompileFailure) as caught:
        compile_contract(path, cache_dir=cache)
    assert str(caught.value).startswith(f"{path}:5:12: vyper 0.3.10: UndeclaredDefinition")
    assert "5 |     return self.y" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_compiler_that_cannot_be_fetched_names_the_ways_out(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Offline with an empty cache is the machine's fault, not the contract's."""
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    path = write(tmp_path / "old.vy", "# @version 0.3.9\nx: public(uint256)\n")
    with pytest.raises(EnvironmentFailure, match=r"(?s)vyper 0\.3\.9 could not be run.*Ways out"):
        compile_contract(path, cache_dir=cache)


@OLDER
def test_a_release_that_does_not_exist_is_the_sources_fault(tmp_path: Path, cache: Path) -> None:
    """Not the machine's, so nobody goes online for it."""
    path = write(tmp_path / "old.vy", "# @version 0.3.5999\nx: public(uint256)\n")
    with pytest.raises(CompileFailure, match=r"asks for vyper 0\.3\.5999, and there is no such release"):
        compile_contract(path, cache_dir=cache)


def test_every_release_gets_an_interpreter_it_runs_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """From 0.4.0 on Python 3.14 will do, before it 3.13; on a newer one uv looks for another."""
    running, older = "/running/python", {"0.3.10": ">=3.10,<3.14", "0.4.0": ">=3.10,<3.15"}
    monkeypatch.setattr("sys.executable", running)
    for version, newest in (("0.2.1", 13), ("0.3.10", 13), ("0.4.0rc1", 13), ("0.4.0", 14), ("0.4.1rc1", 14)):
        for minor in (11, 13, 14, 15):
            monkeypatch.setattr("sys.version_info", (3, minor, 0))
            looked_for = older["0.3.10" if newest == 13 else "0.4.0"]
            assert interpreter_for(version) == (running if minor <= newest else looked_for)


MARK = b"\xef\xbb\xbf"


@pytest.mark.parametrize(
    ("version", "line_end"),
    [
        ("0.4.3", b"\n"),
        ("0.4.3", b"\r\n"),
        ("0.4.3", b"\r"),
        ("0.4.0", b"\r\n"),
        pytest.param("0.3.10", b"\r\n", marks=OLDER),
    ],
)
def test_a_mark_and_line_ends_change_nothing(tmp_path: Path, cache: Path, version: str, line_end: bytes) -> None:
    """The same code as from the plain file, of the file and of what it imports, by whichever compiler."""
    suffix, body = ("vyi", "...") if version.startswith("0.4") else ("vy", "pass")
    function = "@external\ndef f() -> uint256:\n    "
    files = {
        "Main.vy": f"# @version {version}\nimport IOne as IOne\nimplements: IOne\n\n{function}return 1 # \u00e4\n",
        f"IOne.{suffix}": f"{function}{body}\n",
    }
    codes = []
    for folder, mark, end in (("plain", b"", b"\n"), ("marked", MARK, line_end)):
        for name, text in files.items():
            path = write(tmp_path / folder / name, "")
            path.write_bytes(mark + text.encode().replace(b"\n", end))
        # The plain one is the same each time.
        kept = cache_folder() / "compiled" if folder == "plain" else cache
        codes.append(compile_contract(tmp_path / folder / "Main.vy", cache_dir=kept).bytecode)
    # What stands behind the code is a digest of the source.
    assert codes[0][:60] == codes[1][:60]
    assert len(codes[0]) == len(codes[1])


@OLDER
def test_an_error_in_a_marked_file_has_its_line(tmp_path: Path, cache: Path) -> None:
    """Though a copy was compiled."""
    path = tmp_path / "Bad.vy"
    path.write_bytes(MARK + b"# @version 0.3.10\r\n\r\n@external\r\ndef f() -> uint256:\r\n    return self.y\r\n")
    with pytest.raises(CompileFailure) as caught:
        compile_contract(path, cache_dir=cache)
    assert str(caught.value).startswith(f"{path}:5:12: vyper 0.3.10: UndeclaredDefinition")


@pytest.mark.parametrize("version", [pytest.param("0.3.10", marks=OLDER), "0.4.3"])
def test_a_package_of_modules_is_found(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    """As pip installs one, with imports of its own; releases with one root for imports see it, too."""
    site = tmp_path / "env/lib/python3.12/site-packages"
    if version.startswith("0.3"):
        write(site / "kit/api/IOne.vy", "@external\ndef f() -> uint256:\n    pass\n")
        main = "from kit.api import IOne\nimplements: IOne\n@external\ndef f() -> uint256:\n    return 2\n"
    else:
        write(site / "kit/numbers.vy", "from .deep import more\n\nK: constant(uint256) = more.K\n")
        write(site / "kit/deep/more.vy", "K: constant(uint256) = 2\n")
        main = "from kit import numbers as n\n@external\ndef f() -> uint256:\n    return n.K\n"
    monkeypatch.syspath_prepend(str(site))
    path = write(tmp_path / "project/contracts/Main.vy", f"# @version {version}\n{main}")
    write(tmp_path / "project/lab.yaml", "")
    contract = compile_contract(path, cache_dir=cache)
    assert [entry["name"] for entry in contract.abi] == ["f"]
    assert all(not name.startswith("..") for name, _ in contract.sources)


def test_a_missing_import_says_where_it_was_looked_for(tmp_path: Path, cache: Path) -> None:
    """And how to get it there."""
    path = write(tmp_path / "Main.vy", "from snowman.auth import ownable\n")
    with pytest.raises(CompileFailure, match=r"(?s)Main\.vy:1:\d+: .*Imports are looked for .*pip install"):
        compile_contract(path, cache_dir=cache)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none.vy", "no such file"),
        ("Mine.json", r"no such file \(did you mean .*/Mine\.vy\?\)"),
        (".", r"it is a folder; give one file of it: .*/Mine\.vy, .*/out/A\.json$"),
        ("empty", "it is a folder without contracts"),
        ("nothing.json:Mine", "no such file"),
    ],
)
def test_a_missing_file(tmp_path: Path, cache: Path, name: str, words: str) -> None:
    """Said before anything else, with what may have been meant."""
    write(tmp_path / "Mine.vy", "")
    write(tmp_path / "out/A.json", "")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match=words):
        compile_contract(tmp_path / name, cache_dir=cache)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.sol", b"contract A {}", "the lab compiles Vyper only; .*`forge build`.*out/a.sol/a.json"),
        ("a.vyi", b"", "an interface has no code; give the .vy source"),
        ("a", b"", "'no suffix'; for another language"),
        ("a.txt", b"hello", "'.txt'; for another language"),
        ("a.vyz", b"PK\x03\x04...", "an archive of sources; unpack it"),
    ],
)
def test_another_kind_of_file(tmp_path: Path, cache: Path, name: str, content: bytes, words: str) -> None:
    """The two accepted suffixes are named, and what to give in its place."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=r"(?s)\.vy source or artifact \.json, got.*" + words):
        compile_contract(tmp_path / name, cache_dir=cache)


def test_code_and_abi_in_two_files(tmp_path: Path, cache: Path) -> None:
    """Either leads to the other; one alone says what is missing."""
    code, abi = write(tmp_path / "A.bin", "6001\n"), tmp_path / "A.abi"
    with pytest.raises(UsageError, match=r"this is code alone; expected the other half beside it as A\.abi"):
        compile_contract(code, cache_dir=cache)
    write(abi, '[{"type": "constructor"}]')
    assert (
        compile_contract(code, cache_dir=cache).bytecode == compile_contract(abi, cache_dir=cache).bytecode == "0x6001"
    )
    code.unlink()
    with pytest.raises(UsageError, match=r"this is an ABI alone; expected the other half beside it as A\.bin"):
        compile_contract(abi, cache_dir=cache)


def test_one_of_several_by_its_name(tmp_path: Path, cache: Path) -> None:
    """Behind a colon, also of a file whose own name has one; printed lines need no suffix."""
    contracts = {
        name: {"abi": [], "deploymentBytecode": {"bytecode": code}} for name, code in (("A", "60"), ("B", "61"))
    }
    path = write(tmp_path / "build:all.json", json.dumps({"contractTypes": contracts}))
    assert compile_contract(tmp_path / "build:all.json:B", cache_dir=cache).bytecode == "0x61"
    with pytest.raises(CompileFailure, match="got 2; choose one by its name"):
        compile_contract(path, cache_dir=cache)
    assert compile_contract(write(tmp_path / "printed", "[]\n0x6002\n"), cache_dir=cache).bytecode == "0x6002"


@pytest.mark.parametrize("imported", [False, True])
def test_a_source_that_is_not_text(tmp_path: Path, cache: Path, imported: bool) -> None:
    """The file with the byte is named, be it the given one or one that it imports."""
    (tmp_path / "b.vy").write_bytes(b"# \xff\xfe\n")
    path = write(tmp_path / "a.vy", "import b\n") if imported else tmp_path / "b.vy"
    with pytest.raises(InvalidFile, match=r"b\.vy:1:3: not UTF-8 text \(byte 0xff at 2\)"):
        compile_contract(path, cache_dir=cache)


def test_an_artifact_goes_through_without_a_compiler(tmp_path: Path, cache: Path, compilations: list[str]) -> None:
    """JSON with ABI and bytecode is taken as it is."""
    path = write(tmp_path / "a.json", json.dumps({"abi": [{"type": "constructor"}], "bytecode": "0x6001"}))
    assert compile_contract(path, cache_dir=cache).bytecode == "0x6001"
    assert compilations == []
