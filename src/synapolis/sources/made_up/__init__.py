"""The parts of a made-up city, each from the ones before: site, fabric, networks, society."""
