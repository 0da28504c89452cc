"""Ladders: what each step adds, on real ratings, with its interval; and the league table (chapter *league_table*)."""
