from __future__ import annotations

import socket

import pytest

from demo.stack.ports import PortPicker, free_port


def test_the_usual_port_is_taken_when_it_is_free() -> None:
    port = free_port()
    picker = PortPicker()
    assert picker.take("Airflow", port) == port
    assert picker.notes == []


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_in_use_is_named_and_another_taken(host: str) -> None:
    with socket.create_server((host, 0)) as other:
        busy = other.getsockname()[1]
        picker = PortPicker()
        port = picker.take("Airflow", busy)
        assert port != busy
        assert picker.notes == [f"Port {busy} (Airflow) is in use; {port} is taken instead."]
        socket.create_server(("127.0.0.1", port)).close()


def test_no_port_is_given_twice() -> None:
    port = free_port()
    picker = PortPicker()
    assert picker.take("one", port) != picker.take("two", port)


def test_without_preference_any_port_is_taken_silently() -> None:
    port = free_port()
    picker = PortPicker(use_preferred=False)
    ports = {picker.take(str(number), port) for number in range(10)}
    assert len(ports) == 10
    assert picker.notes == []
