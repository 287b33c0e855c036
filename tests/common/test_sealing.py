"""Seals: round trips, binding to a context, several keys, and where keys come from."""

import base64
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline_common.errors import Misconfigured, Poison, SealBroken
from hookline_common.seal_keys import open_sealer, parse_seal_keys
from hookline_common.sealing import Sealer, SealKey, header_check_context, secret_context
from hookline_common.settings import load_settings

OLD, NEW = SealKey("old", b"o" * 32), SealKey("new:2", b"n" * 32)
KEY_TEXT = base64.b64encode(b"t" * 32).decode()


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec="utf-8")))
def test_what_is_sealed_opens_under_its_context_only(text: str, context: str) -> None:
    sealer = Sealer([NEW])
    sealed = sealer.seal(text, context)
    assert sealer.open(sealed, context) == text
    with pytest.raises(SealBroken):
        sealer.open(sealed, context + "x")


def test_the_same_text_is_sealed_differently_each_time() -> None:
    sealer = Sealer([NEW])
    assert sealer.seal("s", "c") != sealer.seal("s", "c")


def test_the_first_key_seals_and_all_open() -> None:
    by_old = Sealer([OLD]).seal("s", "c")
    both = Sealer([NEW, OLD])
    assert both.open(by_old, "c") == "s"
    assert Sealer([NEW]).open(both.seal("s", "c"), "c") == "s"


@pytest.mark.parametrize("broken", ["", "s1", "s1:no:AAAA", "s1:old:!", "s1:old:AAAA", "s2:old:A"])
def test_anything_else_is_a_broken_seal(broken: str) -> None:
    with pytest.raises(SealBroken):
        Sealer([OLD]).open(broken, "c")
    assert issubclass(SealBroken, Poison)


def test_every_changed_byte_breaks_the_seal() -> None:
    sealer = Sealer([OLD])
    form, key, text = sealer.seal("secret", "c").split(":")
    data = base64.b64decode(text)
    for place in range(len(data)):
        changed = bytes(byte ^ (place == at) for at, byte in enumerate(data))
        with pytest.raises(SealBroken):
            sealer.open(f"{form}:{key}:{base64.b64encode(changed).decode()}", "c")


def test_contexts_of_different_things_differ() -> None:
    contexts = {
        secret_context("w", 1, "s"),
        secret_context("w", 2, "s"),
        secret_context("v", 1, "s"),
        secret_context("w", 1, "t"),
        header_check_context("w", 1, "s"),
    }
    assert len(contexts) == 5
    assert header_check_context("w", 1, "X-Key") == header_check_context("w", 1, "x-key")


def test_a_key_is_made_on_the_first_embedded_start_and_kept(tmp_path: Path) -> None:
    settings = load_settings({}, data=str(tmp_path / "new"))
    sealed = open_sealer(settings).seal("s", "c")
    assert open_sealer(settings).open(sealed, "c") == "s"
    file = tmp_path / "new" / "seal.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert sorted(path.name for path in file.parent.iterdir()) == ["seal.key"]


def test_a_shared_store_needs_a_key_that_is_given(tmp_path: Path) -> None:
    environ = {"HOOKLINE_LOG": "kafka://k:1", "HOOKLINE_STORE": "mongodb://m"}
    with pytest.raises(Misconfigured, match="HOOKLINE_SEAL_KEY"):
        open_sealer(load_settings(environ, data=str(tmp_path)))
    open_sealer(load_settings({**environ, "HOOKLINE_SEAL_KEY": KEY_TEXT}))
    file = tmp_path / "key"
    file.write_text(f"a:{KEY_TEXT}\n")
    open_sealer(load_settings({**environ, "HOOKLINE_SEAL_KEY_FILE": str(file)}))


@pytest.mark.parametrize("text", ["", "short", "a:short", f"a:{KEY_TEXT},a:{KEY_TEXT}", "é" * 44])
def test_a_bad_key_is_refused_and_not_shown(text: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        parse_seal_keys(text, "HOOKLINE_SEAL_KEY")
    assert "HOOKLINE_SEAL_KEY" in str(refused.value)
    assert "short" not in str(refused.value)


def test_a_key_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    settings = load_settings({}, seal_key_file=str(tmp_path / "absent"))
    with pytest.raises(Misconfigured, match="absent"):
        open_sealer(settings)
