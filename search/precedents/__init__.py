"""What others have done already, shown to a buyer while she drafts."""
