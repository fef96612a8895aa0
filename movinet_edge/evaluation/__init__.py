"""How good is it? Events against what really happened, thresholds that follow from it, and calibration to a room."""
