"""The fast signer gives what eth-account gives, bit by bit, and refuses to work in pure Python."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab import secp256k1
from lab.coordinator import Fees, sign_transaction
from lab.errors import EnvironmentFailure, EvidenceFailure
from lab.traffic.presign import SignJob, presign, trim
from lab.traffic.senders import load_account
from lab.traffic.signed_file import read_signed, write_signed
from lab.traffic.signer import WITHOUT_COINCURVE, Template, require_fast_backend, sign_run, tx_id

CONTRACT = "0x" + "c0" * 20


def template(data: bytes = b"\xab" * 4 + bytes(6 * 32), **changes: int) -> Template:
    fields = {"chain_id": 31337, "gas": 130_000, "max_fee_per_gas": 10**12, "max_priority_fee_per_gas": 10**9}
    return Template(to=CONTRACT, data=data, tx_id_at=4, **{**fields, **changes})


@given(
    nonce=st.one_of(st.just(0), st.integers(1, 300), st.integers(2**16, 2**40)),
    length=st.integers(36, 900),
    chain_id=st.sampled_from([1, 10, 137, 8453, 42161, 11155111]),
    tip=st.integers(0, 10**10),
)
def test_it_signs_as_eth_account_does(nonce: int, length: int, chain_id: int, tip: int) -> None:
    """Raw bytes and hash, over nonces, lengths and fees that change the lengths of the encoding."""
    data = b"\xab" * 4 + bytes(length - 4)
    made = template(data, chain_id=chain_id, max_priority_fee_per_gas=tip)
    (signed,) = sign_run(load_account(3), SignJob(made, "s", 3, nonce, 1))
    whole = data[:4] + tx_id("s", 3, nonce) + data[36:]
    raw, tx_hash = sign_transaction(
        load_account(3), chain_id=chain_id, nonce=nonce, to=CONTRACT, data="0x" + whole.hex(), gas=130_000,
        fees=Fees(10**12, tip),
    )  # fmt: skip
    assert ("0x" + signed.raw.hex(), "0x" + signed.tx_hash.hex()) == (raw, tx_hash)


def test_words_are_spliced_in() -> None:
    """tx_id, dependency and timestamp of each transaction; ids from 0 where legs have to find each other."""
    made = Template(1, CONTRACT, 1, 2, 1, bytes(4 + 6 * 32), 4, 4 + 4 * 32, 4 + 5 * 32)
    job = SignJob(made, "child", 0, 7, 2, dependency_salt="parent", timestamps=(100, 101), from_zero=True)
    for position, transaction in enumerate(sign_run(load_account(0), job)):
        assert transaction.nonce == 7 + position
        for word in (tx_id("child", 0, position), tx_id("parent", 0, position), (100 + position).to_bytes(32, "big")):
            assert word in transaction.raw


def test_senders_differ_and_stay() -> None:
    """The same number gives the same account; a negative one none."""
    assert len({load_account(i).address for i in range(50)}) == 50
    assert load_account(1) == load_account(1)
    with pytest.raises(ValueError, match="0 or more"):
        load_account(-1)


def test_pure_python_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """eth-keys falls back silently; the lab does not."""
    monkeypatch.setattr("sys.version_info", (3, 13, 0))
    monkeypatch.delenv("ECC_BACKEND_CLASS", raising=False)
    monkeypatch.setenv("ECC_BACKEND_CLASS", "eth_keys.backends.NativeECCBackend")
    with pytest.raises(EnvironmentFailure, match=r"expected eth-keys to sign with CoinCurveECCBackend, got Native"):
        require_fast_backend()
    # There it has no other; what the lab sends is signed without it.
    monkeypatch.setattr("sys.version_info", WITHOUT_COINCURVE)
    assert require_fast_backend() == "NativeECCBackend"


@pytest.mark.skipif(sys.version_info >= WITHOUT_COINCURVE, reason="coincurve has no release for this Python")
def test_eth_keys_signs_fast_where_it_can() -> None:
    """The lock brings what it needs for it."""
    assert require_fast_backend() == "CoinCurveECCBackend"


def test_a_broken_library_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its binary module raises, and where it signs with something else."""

    def broken(key: bytes, digest: bytes) -> bytes:
        raise OSError("undefined symbol")

    signer = sys.modules["lab.traffic.signer"]
    monkeypatch.setattr(signer, "sign", broken)
    with pytest.raises(EnvironmentFailure, match="undefined symbol"):
        require_fast_backend()
    monkeypatch.setattr(signer, "sign", lambda key, digest: secp256k1.sign(b"\x02" * 32, digest))
    with pytest.raises(EnvironmentFailure, match="wallycore gave a signature of 0x"):
        require_fast_backend()


def test_files_are_read_as_they_were_written(tmp_path: Path) -> None:
    """In order, as a stream; a file that ends early says where."""
    signed = list(sign_run(load_account(0), SignJob(template(), "s", 0, 5, 20)))
    path = tmp_path / "a.signed"
    write_signed(path, signed, first_nonce=5, count=20)
    assert list(read_signed(path)) == signed
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(EvidenceFailure, match="ends at 19"):
        list(read_signed(path))
    path.write_bytes(b"what is this\n")
    with pytest.raises(EvidenceFailure, match="expected a file of signed transactions"):
        list(read_signed(path))


def test_a_job_is_signed_once(tmp_path: Path) -> None:
    """The cache is keyed by all that goes into a signature; a damaged file is signed again."""
    jobs = [SignJob(template(), "s", sender, 0, 10) for sender in range(3)]
    first = presign(jobs, tmp_path)
    assert (first.signed, first.cached) == (30, 0)
    again = presign(jobs, tmp_path)
    assert (again.signed, again.cached, again.files) == (0, 30, first.files)
    first.files[1].write_bytes(b"torn")
    assert presign(jobs, tmp_path).signed == 10
    others = [SignJob(template(gas=130_001), "s", 0, 0, 10), SignJob(template(), "t", 0, 0, 10),
              SignJob(template(), "s", 0, 1, 10), SignJob(template(), "s", 0, 0, 11)]  # fmt: skip
    assert presign(others, tmp_path).signed == 41


def test_workers_sign_the_same(tmp_path: Path) -> None:
    """Two processes give the files that one gives, and progress reaches the whole."""
    jobs = [SignJob(template(), "s", sender, 0, 700) for sender in range(4)]
    told: list[tuple[int, int]] = []
    many = presign(jobs, tmp_path / "two", processes=2, progress=lambda done, of, _: told.append((done, of)))
    one = presign(jobs, tmp_path / "one", processes=1)
    assert many.processes == 2
    assert [p.read_bytes() for p in many.files] == [p.read_bytes() for p in one.files]
    assert told[-1] == (2800, 2800)


def test_the_cache_is_trimmed(tmp_path: Path) -> None:
    """The file used longest ago goes first; one in use stays."""
    files = presign([SignJob(template(), "s", sender, 0, 5) for sender in range(3)], tmp_path).files
    size = files[0].stat().st_size
    assert trim(tmp_path, size * 10) == 0
    assert trim(tmp_path, size, keep=files[:2]) == 1
    assert [path.exists() for path in files] == [True, True, False]


def test_a_file_that_another_lab_trims_meanwhile_is_passed_over(tmp_path: Path) -> None:
    """It is in the folder when that is listed, and gone when its size is asked for."""
    (tmp_path / "gone.signed").symlink_to(tmp_path / "nowhere")
    assert trim(tmp_path, 0) == 0
