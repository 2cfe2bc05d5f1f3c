package org.attune.agents.tool;

import java.util.Map;

/// What a tool does, as a lambda.
@FunctionalInterface
public interface ToolFunction {
    /// Runs one call, as [Tool#call] does.
    ///
    /// @param arguments that fit the schema
    /// @return a [ToolResult], a text, or a value that the model reads as JSON
    Object call(Map<String, Object> arguments, ToolContext context) throws Exception;
}
