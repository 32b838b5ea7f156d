"""Policy values (政策参数): what authorities set within the bounds of the authority above, and its filing (clause 49)."""
