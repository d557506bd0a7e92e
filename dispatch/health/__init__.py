"""How sound tracking is: figures of offers, networks and pixels against the targets of a launch."""
