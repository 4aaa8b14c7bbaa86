"""Engines that make mashups, hosted and local, behind one port."""
