package org.attune.agents.tool;

/// What a tool answers.
public sealed interface ToolResult {
    /// What the model reads.
    String text();

    /// An answer.
    record Ok(String text) implements ToolResult {}

    /// The model's own fault; it reads why, and the episode goes on.
    record Refused(String text) implements ToolResult {}

    /// An answer that ends the episode.
    record Final(String text) implements ToolResult {}
}
