"""A layer is projected, written as a GeoPackage and read: the data of GDAL and PROJ are found."""

import os
import tempfile
from pathlib import Path

import geopandas
import pyproj
from shapely.geometry import Point

with tempfile.TemporaryDirectory() as directory:
    path = Path(directory) / "places.gpkg"
    places = geopandas.GeoDataFrame(
        {"name": ["a", "b"]}, geometry=[Point(0, 0), Point(7, 51)], crs=4326
    )
    places.to_crs(3857).to_file(path, driver="GPKG")
    read = geopandas.read_file(path)
print(read.crs.name, [round(point.x) for point in read.geometry])
print(os.path.basename(pyproj.datadir.get_data_dir()), pyproj.CRS(25832).name)  # noqa: PTH119
