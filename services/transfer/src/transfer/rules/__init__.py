"""The law of Article 24 as pure rules: facts in, findings out. `judge` asks all of them in the order of the articles."""
