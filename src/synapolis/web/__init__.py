"""The web application: the only room that knows HTTP. API, tiles, and the pages that a browser opens."""
