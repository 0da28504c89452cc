"""What stands in the league table, a family a module: a method is one line (chapter *league_table*)."""
