"""When may it go out? Business and trading days, local days, quiet hours, clocks that change."""
