package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Map;

/// What a tool does, as a lambda.
@Api(STABLE)
@FunctionalInterface
public interface ToolFunction {
    /// Runs one call, as [Tool#call] does.
    ///
    /// @param arguments that fit the schema
    /// @return a [ToolResult], a text, or a value that the model reads as JSON
    Object call(Map<String, Object> arguments, ToolContext context) throws Exception;
}
