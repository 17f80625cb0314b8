"""Who gets what, so that all of it together is worth most, within everything that is scarce?

The problem is an integer programme; it is solved by Lagrangian duality (decision 0015): prices for what all share, the
exact price of every branch's own pool inside the branch, a whole plan by dynamic programming, and a bound that proves
how good it is. Arrays in, arrays out.
"""

from cultiva.strategy.allocation.problem import Prices, Problem, Solution, Unmet
from cultiva.strategy.allocation.solving import solve
from cultiva.strategy.allocation.verify import Breach, used, verify

__all__ = ["Breach", "Prices", "Problem", "Solution", "Unmet", "solve", "used", "verify"]
