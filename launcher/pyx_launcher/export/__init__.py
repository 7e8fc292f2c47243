"""What leaves pyx: locks of other formats, bundles, flat directories, virtual environments."""
