"""Facial keypoint detection, from raw data to verdict: the library of the book."""
