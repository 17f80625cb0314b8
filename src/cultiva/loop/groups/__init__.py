"""Groups as people look at and make them: facts of one, a rule as rows, faults in their places, drafts."""
