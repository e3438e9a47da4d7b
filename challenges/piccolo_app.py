"""The tables of the innovation exercises, for Piccolo's migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

APP_CONFIG = AppConfig(
    app_name="challenges",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(["challenges.tables"], exclude_imported=True),
    migration_dependencies=["market.piccolo_app"],
    commands=[],
)
