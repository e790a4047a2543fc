"""The six ideas that all else stands on. Knows no layer, loss or model."""
