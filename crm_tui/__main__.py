"""``python -m crm_tui`` is ``crm-tui``."""

from crm_tui.cli import main

if __name__ == "__main__":
    main()
