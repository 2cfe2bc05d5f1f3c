package org.attune.agents.spec;

import static org.attune.api.Api.Status.EXPERIMENTAL;

import org.attune.agents.tool.ToolSetFactory;
import org.attune.api.Api;
import org.attune.error.ConfigException;
import org.attune.reward.builtin.Parameters;

import java.nio.file.Path;

/// A kind of tools that a run's file can name, as `calculator` or `{name: calculator, as: calc}`.
/// The name may also be a key: `{mcp: {command: […]}}` is `{name: mcp, command: […]}`. Kinds are
/// found by the service loader: a jar on the class path brings one by
/// `META-INF/services/org.attune.agents.spec.ToolKind`.
@Api(EXPERIMENTAL)
public interface ToolKind {
    /// The name by which a file names the kind.
    String name();

    /// Makes the tools. What can be known to be wrong at the start is refused now.
    ///
    /// @param parameters all others of the entry; the kind calls [Parameters#check]
    /// @param directory of the run's file; paths are looked for there too
    /// @throws ConfigException if a parameter is unknown, missing or bad
    ToolSetFactory open(Parameters parameters, Path directory);
}
