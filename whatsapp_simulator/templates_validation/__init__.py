"""What Meta checks when a template is created or edited (Meta: template components, authentication templates)."""
