"""What changed since the model was learnt: inputs, predictions, outcomes, calibration, coverage, fallback."""
