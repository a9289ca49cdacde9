"""Local Event Grid: what happens to blobs becomes messages in storage queues, as on Azure.

Storage emulators emit no events. So containers are listed again and again (`watcher`), two listings are
compared (`changes`), differences are rendered as events (`envelope`), filtered (`filters`) and put into the
queue of each subscription. What was announced is remembered on disk (`ledger`): delivery is at least once,
and a message that is sent again has the same event id.
"""
