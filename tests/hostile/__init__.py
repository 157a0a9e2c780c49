"""Trees, models and files made to do harm: each test is a promise of docs/security.md."""
