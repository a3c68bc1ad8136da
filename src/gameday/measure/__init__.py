"""The judgement: pure functions over the record. Nothing here touches the world, and nothing here writes."""
