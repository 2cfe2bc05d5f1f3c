package org.attune.cli;

/// A command that computes: the engine starts while its arguments are still being checked.
interface UsesEngine {
    /// Whether it samples tokens.
    default boolean generates() {
        return false;
    }
}
