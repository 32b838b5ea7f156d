"""The national form (学生基本信息表): its fields as data, and the checks of one filled-in form (clauses 14, 3.5)."""
