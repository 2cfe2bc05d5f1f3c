package org.attune.agents.tool;

import static org.attune.api.Api.Status.STABLE;

import org.attune.api.Api;

import java.util.Map;

/// A tool that a model may call.
@Api(STABLE)
public interface Tool {
    /// Makes a tool of a lambda.
    ///
    /// @param does runs a call
    static Tool of(ToolSpec spec, ToolFunction does) {
        return new FunctionTool(spec, does, ToolLimits.DEFAULT);
    }

    /// A tool that a lambda is, within other limits than the default.
    ///
    /// @param does runs a call
    static Tool of(ToolSpec spec, ToolFunction does, ToolLimits limits) {
        return new FunctionTool(spec, does, limits);
    }

    /// What the model is told.
    ToolSpec spec();

    /// Runs one call. Called on a thread that may wait, at most once for each call that a model
    /// made; interrupted when the limit of time is over.
    ///
    /// @param arguments that fit the schema
    /// @return what the model reads
    /// @throws IllegalArgumentException if the arguments make no sense: the model reads why
    /// @throws java.util.concurrent.TimeoutException if it took too long; the limits say whose
    ///     failure that is
    /// @throws Exception if the world failed, and not the model: the episode begins again
    ToolResult call(Map<String, Object> arguments, ToolContext context) throws Exception;

    /// Within which limits it is called.
    default ToolLimits limits() {
        return ToolLimits.DEFAULT;
    }
}
