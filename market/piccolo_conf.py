"""Where Piccolo finds the engine and the apps."""

from piccolo.conf.apps import AppRegistry

from market.db import new_engine

DB = new_engine()

APP_REGISTRY = AppRegistry(apps=["market.piccolo_app", "challenges.piccolo_app", "search.piccolo_app"])
