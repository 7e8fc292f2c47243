"""Reports about the packages of a lock: graph, bill of materials, versions, publishers."""
