"""The tables of search (saved searches and alerts), for Piccolo's migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="search",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(["search.tables"], exclude_imported=True),
    migration_dependencies=["market.piccolo_app"],
    commands=[],
)
