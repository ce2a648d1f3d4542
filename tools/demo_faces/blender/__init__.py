"""The scene in Blender: only these modules import `bpy`.

Space as everywhere: metres, z up, the face looks along -y, the camera stands at negative y.
"""
