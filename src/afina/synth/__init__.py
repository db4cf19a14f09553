"""Examples that nobody wrote: concepts, programs (how a model is asked), candidates. Asks what it is handed; trains nothing."""
