package org.attune.agents.loop;

/// What a turn sees of those before it.
public enum History {
    /// The very tokens that were sampled and observed, reasoning included.
    TOKENS,
    /// What the chat template makes of the messages, anew for each turn: reasoning of earlier turns
    /// may be left out. Where this is no extension of the tokens so far, the episode goes on in
    /// another row.
    TEMPLATE
}
