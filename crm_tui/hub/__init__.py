"""The hub: the one place where an organisation's commands are decided, and what changed is told."""
