"""OGC API: Features for layers, Processes for models and scenarios, so that QGIS and other clients connect."""
