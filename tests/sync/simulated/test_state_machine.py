"""Any order of work, syncs, losses, moves, copies, restarts and restores ends with all holding the same."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crm_tui.sync.messages import HubError

BOUNDED = settings(
    max_examples=12,
    stateful_step_count=16,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # a history that fails is told as it was found: making it shorter takes minutes
    suppress_health_check=list(HealthCheck),
)
WHICH = st.integers(0, 7)


class Organisation(RuleBasedStateMachine):
    new_world: ClassVar[Callable[..., Any]]

    def __init__(self) -> None:
        super().__init__()
        self.world = type(self).new_world(7, "Haitang", "Jingan")

    def _terminal(self, which: int) -> Any:
        return self.world.terminals[which % len(self.world.terminals)]

    @initialize()
    def begin(self) -> None:
        """Whatever comes first meets a hub with a copy that lacks what the hub has answered since."""
        for _ in range(2):
            self.world.save()
            for which in (0, 1):
                self.work(which)
                self.sync(which)

    @rule(which=WHICH)
    def work(self, which: int) -> None:
        self.world.organisation.clock.move(minutes=5)
        self.world.act(self._terminal(which))

    @rule(which=WHICH)
    def sync(self, which: int) -> None:
        self.world.faulty = False
        with suppress(HubError):  # a hub that was put back waits for others
            self._terminal(which).sync()

    @rule(which=WHICH)
    def sync_badly(self, which: int) -> None:
        self.world.faulty = True
        self.world.sync(self._terminal(which))

    @rule(which=WHICH)
    def move(self, which: int) -> None:
        self.world.move_device(self._terminal(which))

    @rule(which=WHICH, other_machine=st.booleans())
    def copy(self, which: int, other_machine: bool) -> None:
        if len(self.world.terminals) < 4:
            self.world.clone(self._terminal(which), other_machine=other_machine)

    @rule()
    def restart(self) -> None:
        self.world.restart_hub()

    @rule()
    def save(self) -> None:
        self.world.save()

    @rule(by_hand=st.booleans())
    def put_back(self, by_hand: bool) -> None:
        self.world.put_back(by_hand=by_hand)

    def teardown(self) -> None:
        self.world.check()


def test_whatever_order_things_happen_in_all_ends_well(new_world: Any) -> None:
    machine = type("Machine", (Organisation,), {"new_world": staticmethod(new_world)})
    run_state_machine_as_test(machine, settings=BOUNDED)
