"""What a body of ``POST /{phone_number_id}/messages`` must look like, type by type (reference: sending messages)."""
