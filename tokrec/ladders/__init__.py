"""Ladders: long comparisons on real ratings, each kept as a stored result with the command that makes it anew (page *setup*)."""
