"""Synchronisation of a terminal with its hub: the messages, the outbox, the replica and the client."""
