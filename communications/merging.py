"""What follows when the records of an interaction are merged (read by ``crm.records.services.merging``)."""

from crm.records.services.merging import moves

moves("customers.Customer", "communications.Interaction.customer")
moves("customers.Company", "communications.Interaction.company")
moves("sales.Deal", "communications.Interaction.deal")
