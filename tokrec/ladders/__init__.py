"""Ladders: what each step adds, on real ratings, with its paired gain; and the league table (chapters *ratings* to *league_table*)."""
