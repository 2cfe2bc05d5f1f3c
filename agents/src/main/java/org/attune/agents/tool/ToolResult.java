package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

/// What a tool answers.
@Api(STABLE)
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
