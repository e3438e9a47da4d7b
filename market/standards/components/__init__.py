"""Components: services that suppliers list, lodged, checked, and shown in the catalogue."""
