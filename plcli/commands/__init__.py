"""The commands: each reads its options, calls the machinery with plain values, and gives an exit code."""
