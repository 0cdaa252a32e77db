"""Ports that somebody holds are found before anything starts."""

from __future__ import annotations

import os
import socket

import pytest

from erp_core.cli.ports import is_taken, listening_pid, refuse_taken
from erp_core.kernel.errors import OperatorError


@pytest.fixture
def held_port():
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener.getsockname()[1]


def test_a_port_is_taken_even_when_its_holder_shares_it(held_port: int) -> None:
    assert is_taken("127.0.0.1", held_port)
    assert listening_pid(held_port) == os.getpid()


def test_the_refusal_names_component_port_and_process(held_port: int) -> None:
    with pytest.raises(OperatorError) as refusal:
        refuse_taken("127.0.0.1", {"vidrio": held_port})

    assert refusal.value.sentence == f"Port {held_port} of vidrio is taken by process {os.getpid()}."


def test_a_released_port_is_free(held_port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        free = other.getsockname()[1]

    assert not is_taken("127.0.0.1", free)
    assert listening_pid(free) is None


def test_an_address_of_another_machine_is_a_wrong_setting() -> None:
    with pytest.raises(OperatorError) as refusal:
        is_taken("192.0.2.1", 39999)

    assert refusal.value.status == 2
