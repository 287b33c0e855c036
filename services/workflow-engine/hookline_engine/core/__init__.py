"""The engine's pure core: decide(head, command) -> head', bodies, effects. No I/O, no clock."""
