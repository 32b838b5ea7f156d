import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # casework_samples: kinds of case that the tests share
