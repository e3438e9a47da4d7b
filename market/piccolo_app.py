"""The tables of the marketplace, for Piccolo's migrations."""

from pathlib import Path

from piccolo.conf.apps import AppConfig, table_finder

TABLES = [
    "market.accounts.tables",
    "market.audit.tables",
    "market.awards.tables",
    "market.bids.tables",
    "market.budgets.tables",
    "market.confirming.tables",
    "market.builds.tables",
    "market.contracts.tables",
    "market.letters.tables",
    "market.appointments.tables",
    "market.rulings.tables",
    "market.loans.tables",
    "market.missions.tables",
    "market.opendata.tables",
    "market.outages.tables",
    "market.panels.tables",
    "market.payments.tables",
    "market.questions.tables",
    "market.reviews.tables",
    "market.standards.tables",
    "market.suppliers.tables",
    "market.tenders.tables",
    "market.portal.tables",
    "market.waivers.tables",
    "market.web.tables",
]

APP_CONFIG = AppConfig(
    app_name="market",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=table_finder(TABLES, exclude_imported=True),
    migration_dependencies=[],
    commands=[],
)
