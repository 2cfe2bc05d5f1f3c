package org.attune.cli.command;

/// A command that computes: the engine starts while its arguments are still being checked.
public interface UsesEngine {
    /// Whether the command samples tokens.
    default boolean generates() {
        return false;
    }

    /// Whether the command computes in this process.
    default boolean computesHere() {
        return true;
    }

    /// Whether the command looks after Ctrl-C itself.
    default boolean stopsItself() {
        return false;
    }

    /// What there is when it was stopped, after `stopped; `.
    default String afterStop() {
        return "nothing was written";
    }
}
