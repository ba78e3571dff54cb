"""Traffic that others captured, read as records: cassettes, HAR files, batches, lines of JSON, PromptLayer requests."""
