"""What a body may spend: approved by two people, named by every exercise and tender, counted against as soon as it is promised."""
