"""Data to try the program on and to measure it with: a chain, its people and the stories of its customers."""

from crm_tui.demo.generate import PIN, DemoFacts, generate, open_demo
from crm_tui.demo.size import CHAIN, SIZES, SMALL, Size, measured

__all__ = ["CHAIN", "PIN", "SIZES", "SMALL", "DemoFacts", "Size", "generate", "measured", "open_demo"]
