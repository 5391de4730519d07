import os, pytest
from typing import Any
UNITS = ("Haitang", "Jingan", "Xuhui", "East", "Tianhe", "Jingan", "Haitang", "Xuhui")
A,B=map(int,os.environ["SEEDS"].split("-"))
@pytest.mark.parametrize("seed", range(A,B))
def test_hunt(new_world: Any, seed: int) -> None:
    world = new_world(seed, *UNITS[: 2 + seed % 7])
    world.live(500)
    world.check()
