"""A week of an organisation in a second, with everything going wrong that can; a seed that fails is told."""

from __future__ import annotations

from typing import Any

import pytest

from crm_tui.commands import by_kind

ROUNDS = 25
"""The rounds after which every kind of command has been drawn; what a lead needs comes about by chance."""
LEAST = 400
"""The commands that are carried out in a week; some hundred more are refused where they are given."""
UNITS = ("Haitang", "Jingan", "Xuhui", "East", "Tianhe", "Jingan", "Haitang", "Xuhui")


@pytest.mark.parametrize("seed", range(4))
def test_after_the_faults_have_healed_all_terminals_hold_what_the_hub_shows_them(
    new_world: Any, seed: int
) -> None:
    world = new_world(seed, *UNITS[: (2, 3, 5, 8)[seed]])
    world.live(250)
    assert len(world.given) > LEAST
    world.check()


def test_every_kind_of_command_is_part_of_the_simulation(new_world: Any, deeds: Any) -> None:
    world = new_world(99, "Haitang")
    kinds, wanted = set(), set(by_kind()) - {"found_organisation"}
    for _ in range(ROUNDS):
        world.live(16, clones=0)
        with world.terminals[0].desk._books.read() as tx:
            bench = deeds.Bench(world.rng, tx, world.organisation.clock.now)
            kinds |= {one.kind for _ in range(500) for one in deeds.deed(bench)}
        if kinds == wanted:
            return
    assert kinds == wanted
