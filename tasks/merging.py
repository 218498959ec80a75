"""What follows when the records of a task are merged (read by ``crm.records.services.merging``)."""

from crm.records.services.merging import moves

moves("customers.Customer", "tasks.Task.customer")
moves("customers.Company", "tasks.Task.company")
moves("sales.Deal", "tasks.Task.deal")
