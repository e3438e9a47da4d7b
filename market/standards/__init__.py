"""Machine-checked API standards: profiles, the engine that runs them, certificates and the gates they close."""
