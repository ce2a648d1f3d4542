"""Rendered faces with exact keypoints, in the formats of the IMM Face Database and of 300-W.

Run from the folder above: ``python -m demo_faces --help``. Only `body` imports anny and torch,
only the modules of `blender` import bpy: everything else works without either.
"""
