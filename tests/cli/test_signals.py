"""Interrupts of a training."""

from __future__ import annotations

import signal
import threading

import pytest

from clearprop.cli.signals import Interrupts


def test_the_first_interrupt_counts_and_then_no_other() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Interrupts() as interrupts:
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGINT)
        assert interrupts.held
    assert signal.getsignal(signal.SIGTERM) is before
    with Interrupts() as interrupts:
        interrupts.on_train_end({})
        signal.raise_signal(signal.SIGINT)


def test_interrupts_outside_the_main_thread_are_left_alone() -> None:
    seen: list[bool] = []

    def enter() -> None:
        with Interrupts() as interrupts:
            seen.append(interrupts.main)

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [False]
