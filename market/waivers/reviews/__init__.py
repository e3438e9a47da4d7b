"""Early reviews of waivers: by their date or because an auditor called; the minister answers with a signature."""
