"""Every question a screen asks: a function of a view, answered with frozen values."""
